import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type ServerProcess, startServer } from '../../fixtures/server-process.ts'

const ROUNDS = 15
const ROWS_PER_CALL = 500
const FIELDS = [
  { id: 'k', type: 'int' },
  { id: 'call', type: 'int' },
  { id: 'v', type: 'text' },
]

/** One call's records: half of them new keys, half of them keys of the call before. */
function recordsOf(call: number) {
  const first = call * (ROWS_PER_CALL / 2)
  return Array.from({ length: ROWS_PER_CALL }, (_, index) => ({
    k: first + index,
    call,
    v: `call ${call}, row ${index}`,
  }))
}

/** What the table must hold after these calls, `_id` by key. */
function expected(calls: number): Map<number, number> {
  const rows = new Map<number, number>()
  for (let call = 0; call < calls; call += 1) for (const { k } of recordsOf(call)) rows.set(k, call)
  return rows
}

async function rowsOf(server: ServerProcess): Promise<{ _id: number; k: number; call: number }[]> {
  const text = await (await fetch(`${server.url}/datastore/dump/calls?format=ndjson&fields=_id,k,call`)).text()
  return text
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { _id: number; k: number; call: number }]))
}

test(`killed at ${ROUNDS} random moments, the server finds exactly the calls that it acknowledged`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kill-9-'))
  const start = () => startServer({ env: { DUCKDB_PATH: folder } })
  let server = await start()
  const ids = new Map<number, number>()
  let calls = 0
  let interrupted = 0
  try {
    const created = { resource_id: 'calls', fields: FIELDS, primary_key: ['k'] }
    expect((await server.act('datastore_create', created)).status).toBe(200)
    for (let round = 0; round < ROUNDS; round += 1) {
      const { kill, ended } = server
      void sleep(100 + Math.random() * 900).then(() => kill('SIGKILL'))
      for (let alive = true; alive; ) {
        const answer = await server
          .act('datastore_upsert', { resource_id: 'calls', method: 'upsert', records: recordsOf(calls) })
          .catch(() => undefined)
        if (answer) expect(answer.status).toBe(200)
        if (answer) calls += 1
        else alive = false
      }
      await ended
      server = await start()

      const rows = await rowsOf(server)
      const { result } = await server.act('datastore_search', { resource_id: 'calls', limit: 0 })
      const { result: sql } = await server.act('datastore_search_sql', { sql: 'SELECT count(*) AS n FROM calls' })
      expect(result.total).toBe(rows.length)
      expect((sql.records as { n: number }[])[0]?.n).toBe(rows.length)
      expect(new Set(rows.map(({ _id }) => _id)).size).toBe(rows.length)
      // The call that was under way is there whole, or not at all.
      const found = new Map(rows.map(({ k, call }) => [k, call]))
      const reached = rows.some(({ call }) => call === calls) ? calls + 1 : calls
      interrupted += reached - calls
      calls = reached
      expect(found).toEqual(expected(calls))
      // A row keeps its `_id` for good, and no other gets it.
      for (const { _id, k } of rows) {
        expect(ids.get(k) ?? _id).toBe(_id)
        ids.set(k, _id)
      }
      expect(new Set(ids.values()).size).toBe(ids.size)
      for (const name of ['tmp', 'load', 'export']) expect(await readdir(join(folder, name))).toEqual([])
    }
    expect(calls).toBeGreaterThan(ROUNDS)
    console.log(`${calls} calls, ${interrupted} of them stored but never answered`)
  } finally {
    server.kill('SIGKILL')
    await server.ended
    await rm(folder, { recursive: true, force: true })
  }
})
