import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, rename } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { askOverHttp } from './http-client.ts'

/** 64 MB that do not compress: more than sockets hold and the server has at hand, which are two pieces of 20 MB. */
const ROWS = 80_000
const CELL_BYTES = 400

/**
 * An answer that has begun and can't be finished ends in a broken connection, whatever carries it.
 *
 * @param base - Where the datastore's routes begin.
 * @param folder - Where its `duckdb` engine keeps the data. `DUMP_CACHE_MB` must be 0.
 */
export function describeBrokenAnswer(base: () => string, folder: () => string): void {
  test('an answer that can not be finished breaks the connection', async () => {
    const lines = Array.from({ length: ROWS }, () => `${randomBytes(CELL_BYTES).toString('hex')}\n`)
    const body = new TextEncoder().encode(`noise\n${lines.join('')}`)
    const path = '/datastore/load/noise?format=csv&schema={"fields":[{"name":"noise","type":"string"}]}'
    const loaded = await askOverHttp(new URL(base() + path), { method: 'POST', headers: {}, body })
    expect(loaded.status).toBe(200)

    const outgoing = request(`${base()}/datastore/dump/noise`, { agent: false }).end()
    // A reset comes twice: for the answer, and for the request that it belongs to.
    outgoing.on('error', () => {})
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(200)
    const exported = join(folder(), 'export')
    await untilStalled(exported)
    await rename(exported, join(folder(), 'elsewhere'))
    let bytes = 0
    const whole = new Promise<void>((resolve, reject) => {
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      answer.on('end', resolve)
      answer.on('error', reject)
    })
    await expect(whole).rejects.toThrow(/aborted|ECONNRESET|socket hang up/)
    expect(bytes).toBeLessThan(ROWS * CELL_BYTES * 2)
    await rename(join(folder(), 'elsewhere'), exported)
  })
}

/** Until the server has written all that a client which reads nothing lets it write. */
async function untilStalled(exported: string): Promise<void> {
  for (let before = ''; ; ) {
    await sleep(200)
    const now = (await readdir(exported)).join()
    if (now !== '' && now === before) return
    before = now
  }
}
