import { type ChildProcess, spawn } from 'node:child_process'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../../fixtures/free-port.ts'
import { reasonWithoutPostgresLake } from '../../services/extensions.ts'
import type { PostgresServer } from '../../services/postgres.ts'
import { startPostgres } from '../../services/postgres.ts'
import { Kit } from '../../suites/engine/kit.ts'
import { makeLake, openEngine } from './open.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

const ROWS = 150_000

describe.skipIf(reasonWithoutPostgresLake() !== undefined)('what stands still', () => {
  let postgres: PostgresServer
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres?.close())

  test('a process that is stopped while it holds the lock loses it after a minute; awake again, it changes nothing by what it knew', async () => {
    const lake = await makeLake(() => postgres.createDatabase())
    const engine = await openEngine(lake.env)
    const kit = new Kit(() => engine)
    const id = await kit.make({ k: 'int', v: 'text' }, [{ k: -1, v: 'first' }], { key: ['k'] })
    const holder = holdLock(lake.env, id)
    try {
      await vi.waitFor(() => expect(lockHolders(postgres)).toBe(1), { timeout: 120_000, interval: 10 })
      holder.kill('SIGSTOP')
      expect(lockHolders(postgres)).toBe(1)
      const began = performance.now()
      let refused = 0
      await vi.waitFor(
        () =>
          kit.upsert(id, [{ k: -1, v: 'second' }, { k: -2 }]).catch((error) => {
            expect(error).toMatchObject({ status: 503 })
            refused += 1
            throw error
          }),
        { timeout: 120_000, interval: 100 },
      )
      expect(refused).toBeGreaterThan(0)
      expect(performance.now() - began).toBeLessThan(100_000)
      const answered = answerOf(holder)
      holder.kill('SIGCONT')
      expect(await answered).toMatch(/^(?:written|503)$/)
    } finally {
      holder.kill('SIGKILL')
    }
    const table = await kit.table(id)
    expect([2, ROWS + 2]).toContain(table.count)
    expect(await kit.counted(id)).toBe(table.count)
    const rows = await kit.rows(id, { filters: { k: { lt: 1 } } })
    expect(rows).toContainEqual(expect.objectContaining({ k: -1, v: 'second' }))
    expect(new Set(rows.map(({ _id }) => _id)).size).toBe(rows.length)
    expect(await kit.counted(id)).toBe((await kit.search(id, { distinct: true, fields: ['_id'], limit: 1 })).total)
    await engine.close()
    await lake.close()
  })

  test('a catalog that keeps its connections and never answers: 503, and then it goes on', async () => {
    const lake = await makeLake(() => postgres.createDatabase())
    const address = new URL(lake.env.DUCKLAKE_CATALOG as string)
    const gate = await openGate(Number(address.port))
    address.port = String(gate.port)
    const engine = await openEngine({ ...lake.env, DUCKLAKE_CATALOG: address.href })
    const kit = new Kit(() => engine)
    const id = await kit.make({ k: 'int' }, [{ k: 1 }])
    gate.shut()
    const silent = { status: 503, message: "The lake's catalog does not answer." }
    await expect(engine.healthcheck()).rejects.toMatchObject(silent)
    await expect(engine.describe(id)).rejects.toMatchObject(silent)
    gate.open()
    await vi.waitFor(() => engine.healthcheck(), { timeout: 60_000 })
    expect(await kit.values(id, 'k')).toEqual([1])
    await engine.close()
    await gate.close()
    await lake.close()
  })
})

/** A process that writes so many rows at once that the lock is held for a while. */
function holdLock(env: Record<string, string>, id: string): ChildProcess {
  const script = fileURLToPath(new URL('hold-lock.ts', import.meta.url))
  return spawn(process.execPath, ['--import', 'tsx', script, id, String(ROWS)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

function answerOf(holder: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    holder.stdout?.on('data', (chunk) => {
      text += chunk
    })
    holder.once('close', () => resolve(text.trim()))
  })
}

function lockHolders(postgres: PostgresServer): number {
  const sql =
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ckan-datastore lock' AND state = 'idle in transaction'"
  return Number(postgres.query(sql)[0]?.[0])
}

/** Passes bytes on to a port of this machine, or keeps them back as long as it is shut. */
async function openGate(target: number) {
  const port = await freePort()
  const sockets = new Set<Socket>()
  let isShut = false
  const server: Server = createServer((inner) => {
    const outer = createConnection(target, '127.0.0.1')
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from)
      if (isShut) from.pause()
      from.on('data', (chunk) => void to.write(chunk))
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.on('error', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port,
    shut() {
      isShut = true
      for (const socket of sockets) socket.pause()
    },
    open() {
      isShut = false
      for (const socket of sockets) socket.resume()
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
