import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type ServerProcess, startServer } from '../../fixtures/server-process.ts'
import { reasonWithoutPostgresLake } from '../../services/extensions.ts'
import { startPostgres } from '../../services/postgres.ts'
import { makeLake, openEngine } from './open.ts'

const PROCESSES = 4
const UPSERTS = Number(process.env.LAKE_UPSERTS ?? 10_000)
const KEYS_PER_CALL = 25
/** Some to each process at once, so that calls share commits. */
const CALLERS = 3 * PROCESSES
const KEYS = 1000
const KILL_MS = 1000
/** A server takes seconds to start on a small machine, and there are as many starts as kills. */
const PATIENCE_MS = 3_600_000

interface Row {
  _id: number
  k: number
  call: number
}

describe.skipIf(reasonWithoutPostgresLake() !== undefined)('four servers on one lake', () => {
  test(
    `${UPSERTS} keyed upserts, one process killed every second, maintenance beside them`,
    async () => {
      const postgres = await startPostgres()
      const lake = await makeLake(() => postgres.createDatabase())
      const env = { ...lake.env, DUCKDB_MEMORY_LIMIT: '512MB', DUCKDB_THREADS: '1' }
      const servers: (ServerProcess | undefined)[] = []
      const start = async (index: number) => {
        servers[index] = await startServer({ env })
      }
      const acknowledged = new Set<number>()
      const ids = new Map<number, number>()
      let written = 0
      let refused = 0
      let kills = 0
      let checks = 0
      let maintained = 0
      let over = false
      try {
        await start(0)
        const fields = [
          { id: 'k', type: 'int' },
          { id: 'call', type: 'int' },
        ]
        const created = await servers[0]?.act('datastore_create', { resource_id: 'calls', fields, primary_key: ['k'] })
        expect(created?.status).toBe(200)
        for (let index = 1; index < PROCESSES; index += 1) await start(index)

        let call = 0
        const caller = async (number: number) => {
          while (written < UPSERTS) {
            call += 1
            const mine = call
            // Keys overlap between calls and processes, but for one of the call's own.
            const keys = Array.from({ length: KEYS_PER_CALL - 1 }, (_, index) => (mine * 7 + index * 13) % KEYS)
            const records = [KEYS + mine, ...keys].map((k) => ({ k, call: mine }))
            const server = servers[(number + mine) % PROCESSES]
            const answer = await server
              ?.act('datastore_upsert', { resource_id: 'calls', method: 'upsert', records })
              .catch(() => undefined)
            if (answer?.status === 200) {
              written += KEYS_PER_CALL
              for (const { k } of records) acknowledged.add(k)
            } else {
              refused += 1
              if (answer) expect(answer.status).toBe(503)
              await sleep(50)
            }
          }
        }
        /** Rows only come: a count that is asked for between two searches lies between their totals. */
        const check = async () => {
          const before = [...acknowledged]
          const server = servers.find((running) => running)
          const search = async () => {
            const answer = await server?.act('datastore_search', { resource_id: 'calls', limit: 32_000, sort: '_id' })
            if (answer?.status !== 200) throw new Error(`a search was answered ${answer?.status}`)
            return answer.result as { records: Row[]; total: number }
          }
          const count = async () => {
            const answer = await server?.act('datastore_search_sql', { sql: 'SELECT count(*) AS n FROM calls' })
            if (answer?.status !== 200) throw new Error(`a count was answered ${answer?.status}`)
            return (answer.result.records as { n: number }[])[0]?.n as number
          }
          let seen: [Awaited<ReturnType<typeof search>>, number, Awaited<ReturnType<typeof search>>]
          try {
            seen = [await search(), await count(), await search()]
          } catch {
            // The one that is asked may be killed, too.
            return
          }
          const [{ records: rows, total }, counted, { total: later }] = seen
          checks += 1
          expect(total).toBe(rows.length)
          expect(counted).toBeGreaterThanOrEqual(total)
          expect(counted).toBeLessThanOrEqual(later)
          expect(new Set(rows.map(({ k }) => k)).size).toBe(rows.length)
          expect(new Set(rows.map(({ _id }) => _id)).size).toBe(rows.length)
          const keys = new Set(rows.map(({ k }) => k))
          expect(before.filter((k) => !keys.has(k))).toEqual([])
          for (const { _id, k } of rows) {
            expect(ids.get(k) ?? _id).toBe(_id)
            ids.set(k, _id)
          }
          expect(new Set(ids.values()).size).toBe(ids.size)
        }
        const killer = (async () => {
          const beside: Promise<unknown>[] = []
          for (let index = 0; !over; index = (index + 1) % PROCESSES) {
            await sleep(KILL_MS)
            const victim = servers[index]
            // A start takes longer than the second, and somebody has to answer meanwhile.
            if (!victim || servers.filter((running) => running).length < 2) continue
            servers[index] = undefined
            victim.kill('SIGKILL')
            kills += 1
            if (kills % 20 === 0) console.log(`${kills} kills, ${written} upserts acknowledged`)
            beside.push(
              victim.ended.then(() => start(index)),
              check(),
            )
          }
          await Promise.all(beside)
        })()
        const maintenance = (async () => {
          const keeper = await openEngine(lake.env)
          while (!over) {
            if (await keeper.maintain?.()) maintained += 1
            await sleep(2 * KILL_MS)
          }
          await keeper.close()
        })()
        await Promise.all(Array.from({ length: CALLERS }, (_, number) => caller(number)))
        over = true
        await killer
        await maintenance

        const answer = await servers[1]?.act('datastore_search', { resource_id: 'calls', limit: 32_000, sort: '_id' })
        const rows = answer?.result.records as Row[]
        const sql = await servers[2]?.act('datastore_search_sql', { sql: 'SELECT count(*) AS n FROM calls' })
        expect(answer?.result.total).toBe(rows.length)
        expect((sql?.result.records as { n: number }[] | undefined)?.[0]?.n).toBe(rows.length)
        expect(new Set(rows.map(({ k }) => k)).size).toBe(rows.length)
        const keys = new Set(rows.map(({ k }) => k))
        expect([...acknowledged].filter((k) => !keys.has(k))).toEqual([])
        console.log(
          `${written} upserts acknowledged, ${refused} calls refused or cut off, ${kills} kills, ${checks} checks, ${maintained} maintained`,
        )
        expect(kills).toBeGreaterThan(3)
        expect(checks).toBeGreaterThan(3)
      } finally {
        over = true
        for (const server of servers) {
          server?.kill('SIGKILL')
          await server?.ended
        }
        await lake.close()
        await postgres.close()
      }
    },
    PATIENCE_MS,
  )
})
