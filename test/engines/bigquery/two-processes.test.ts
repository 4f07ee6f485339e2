import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stateOf, tableOf } from '../../../src/infrastructure/engines/bigquery/names.ts'
import type { ServerProcess } from '../../fixtures/server-process.ts'
import { startServer } from '../../fixtures/server-process.ts'
import { type BigqueryServices, reasonWithoutBigquery, startBigquery } from '../../services/bigquery.ts'
import { dropTables, settingsFor } from './open.ts'

const RESOURCES = Array.from({ length: 10 }, (_, index) => `resource-${index}`)
const ROUNDS = process.env.FULL ? 10 : 2
const SHARED = 'shared'

describe.skipIf(reasonWithoutBigquery() !== undefined)('two processes on one dataset', () => {
  let services: BigqueryServices
  let servers: [ServerProcess, ServerProcess]
  beforeAll(async () => {
    services = await startBigquery()
    const start = () => startServer({ env: { AUTH_TYPE: 'anonymous', ...settingsFor(services) } })
    servers = [await start(), await start()]
  }, 120_000)
  afterAll(async () => {
    for (const server of servers ?? []) {
      server.kill('SIGTERM')
      await server.ended
    }
    await services?.close()
  })

  async function act(server: ServerProcess, action: string, body: Record<string, unknown>) {
    const answer = await server.act(action, body)
    expect(answer, JSON.stringify(answer)).toMatchObject({ status: 200 })
    return answer.result
  }

  const create = (server: ServerProcess, id: string) =>
    act(server, 'datastore_create', {
      resource_id: id,
      fields: [
        { id: 'k', type: 'int' },
        { id: 'v', type: 'text' },
      ],
      primary_key: ['k'],
    })

  const upsert = (server: ServerProcess, id: string, records: { k: number; v: string }[]) =>
    act(server, 'datastore_upsert', { resource_id: id, records })

  /** The rows as both processes see them: keys and `_id`s once, and as many as are counted. */
  async function rowsOf(id: string): Promise<{ _id: number; k: number; v: string }[]> {
    const [first, second] = await Promise.all(
      servers.map(async (server) => {
        const { records, total } = await act(server, 'datastore_search', { resource_id: id, limit: 1000 })
        const rows = records as { _id: number; k: number; v: string }[]
        expect(rows).toHaveLength(total as number)
        const counted = await act(server, 'datastore_search_sql', { sql: `SELECT count(*) AS n FROM "${id}"` })
        expect(Number((counted.records as { n: number }[])[0]?.n)).toBe(total)
        return rows
      }),
    )
    expect(second).toEqual(first)
    expect(new Set(first?.map(({ _id }) => _id)).size).toBe(first?.length)
    return first ?? []
  }

  test('ten resources are written at once, and no write of one touches what a write of another does', {
    timeout: 600_000,
  }, async () => {
    for (const [index, id] of RESOURCES.entries()) await create(servers[index % 2] as ServerProcess, id)
    services.bigquery.requests.splice(0)
    const rounds = Array.from({ length: ROUNDS }, (_, round) => round)
    await Promise.all(
      RESOURCES.map(async (id, index) => {
        for (const round of rounds) {
          const server = servers[index % 2] as ServerProcess
          await upsert(server, id, [
            { k: 0, v: `${id} ${round}` },
            { k: round + 1, v: id },
          ])
        }
      }),
    )
    const scripts = services.bigquery.statements().filter(({ sql }) => sql.startsWith('BEGIN'))
    expect(scripts.length).toBeGreaterThanOrEqual(RESOURCES.length * ROUNDS)
    for (const { sql } of scripts) {
      const named = [...sql.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string)
      const own = RESOURCES.find((id) => named.includes(tableOf(id))) as string
      const foreign = named.filter((name) => ![tableOf(own), stateOf(own), 'k', 'v'].includes(name))
      expect(foreign).toEqual([])
      expect(sql).not.toMatch(/_datastore_/)
    }
    for (const id of RESOURCES) {
      expect(await rowsOf(id)).toEqual([
        { _id: 1, k: 0, v: `${id} ${rounds.at(-1)}` },
        ...rounds.map((round) => ({ _id: round + 2, k: round + 1, v: id })),
      ])
    }
    await dropTables(services, RESOURCES)
  })

  test('one resource is written by both: nothing is lost, doubled or half there', { timeout: 600_000 }, async () => {
    await create(servers[0], SHARED)
    const writes = servers.map(async (server, index) => {
      for (let round = 0; round < ROUNDS * 2; round += 1) {
        const mark = `${index} ${round}`
        await upsert(server, SHARED, [
          { k: 0, v: mark },
          { k: 1, v: mark },
          { k: 100 * (index + 1) + round, v: mark },
        ])
      }
    })
    await Promise.all(writes)
    const rows = await rowsOf(SHARED)
    const expected = servers.flatMap((_, index) =>
      Array.from({ length: ROUNDS * 2 }, (_, round) => [100 * (index + 1) + round, `${index} ${round}`]),
    )
    const shared = rows.filter(({ k }) => k < 2)
    expect(rows.filter(({ k }) => k >= 2).map(({ k, v }) => [k, v])).toEqual(expect.arrayContaining(expected))
    expect(rows).toHaveLength(expected.length + 2)
    // Both rows are of one and the same call, the last one of either process.
    expect(new Set(shared.map(({ v }) => v)).size).toBe(1)
    expect(shared[0]?.v).toMatch(new RegExp(`^[01] ${ROUNDS * 2 - 1}$`))
    expect(rows.map(({ _id }) => _id)).toEqual(Array.from({ length: rows.length }, (_, index) => index + 1))
    await dropTables(services, [SHARED])
  })
})
