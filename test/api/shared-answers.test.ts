import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDatastore, type Datastore } from '../../src/app.ts'
import { NotAuthorized } from '../../src/core/errors.ts'
import type { Engine, Table } from '../../src/infrastructure/engines/engine.ts'
import { openDuckdb } from '../engines/duckdb/open.ts'
import { spyingProvider, toRequest } from '../fixtures/datastore.ts'
import { type RedisServer, reasonWithoutRedis, startRedis } from '../fixtures/redis-server.ts'

const reason = reasonWithoutRedis()

const SEARCH = 'GET /api/3/action/datastore_search?resource_id=r&limit=5'
const SQL = `GET /api/3/action/datastore_search_sql?sql=${encodeURIComponent('SELECT sum(k) AS s FROM r')}`

describe.skipIf(reason)(`answers that processes share in Redis${reason ? ` (${reason})` : ''}`, () => {
  let redis: RedisServer
  let client: Redis
  let database = 0
  let opened: Awaited<ReturnType<typeof openDuckdb>>
  const datastores: Datastore[] = []
  let ran: string[] = []
  let denied = false
  const { provider, questions } = spyingProvider(() => {
    if (denied) throw new NotAuthorized('no')
    return {}
  })

  beforeAll(async () => {
    redis = await startRedis()
    client = new Redis(redis.url)
    opened = await openDuckdb()
  })
  beforeEach(async () => {
    // The next of Redis' 16 databases: what the last test kept may be on its way still.
    database = (database + 1) % 16
    await client.select(database)
    await client.flushdb()
    ran = []
    await write([{ k: 1 }, { k: 2 }])
  })
  afterEach(() => Promise.all(datastores.splice(0).map((datastore) => datastore.close())))
  afterAll(async () => {
    client?.disconnect()
    await opened?.close()
    await redis?.close()
  })

  /** A process of its own as far as memory goes; `ran` tells what it asked of the engine. */
  async function open(env: Record<string, string> = {}, as: (table: Table) => Table = (table) => table) {
    const engine: Engine = {
      ...opened.engine,
      describe: async (name, options) => {
        const table = await opened.engine.describe(name, options)
        return table && as(table)
      },
      search: (...args) => {
        ran.push('search')
        return opened.engine.search(...args)
      },
      runSql: (...args) => {
        ran.push('sql')
        return opened.engine.runSql(...args)
      },
      close: async () => {},
    }
    const shared = { QUERY_CACHE_STORE: 'redis', REDIS_URL: `${redis.url}/${database}`, LOG_LEVEL: 'CRITICAL' }
    const datastore = await createDatastore({ env: { ...shared, ...env }, engine, auth: provider })
    datastores.push(datastore)
    return async (line: string) => {
      const response = await datastore.fetch(toRequest(line, { headers: { Authorization: 'x' } }))
      return { status: response.status, etag: response.headers.get('etag'), body: await response.json() }
    }
  }
  async function write(records: object[]) {
    const ask = await open({ QUERY_CACHE_STORE: 'memory' })
    await ask('POST /api/3/action/datastore_delete {"resource_id": "r"}')
    const table = { resource_id: 'r', primary_key: 'k', fields: [{ id: 'k', type: 'int' }], records }
    expect(await ask(`POST /api/3/action/datastore_create ${JSON.stringify(table)}`)).toMatchObject({ status: 200 })
  }
  /** Names of what Redis holds, once it holds so many. */
  async function kept(count: number): Promise<string[]> {
    await expect.poll(async () => (await client.keys('ckan-datastore:answer:*')).length).toBe(count)
    return client.keys('ckan-datastore:answer:*')
  }

  for (const [name, line, called] of [
    ['a search', SEARCH, 'search'],
    ['a statement', SQL, 'sql'],
  ] as const) {
    describe(name, () => {
      test('is run by one of them, and the same for all', async () => {
        const first = await (await open())(line)
        await kept(1)
        const second = await (await open())(line)
        expect(ran).toEqual([called])
        expect({ ...second.body, help: '' }).toEqual({ ...first.body, help: '' })
        expect([first.status, second.status, second.etag]).toEqual([200, 200, first.etag])
      })

      test('is given to nobody who may not read', async () => {
        await (await open())(line)
        await kept(1)
        const ask = await open()
        const asked = questions.length
        denied = true
        const { status } = await ask(line).finally(() => {
          denied = false
        })
        expect([status, questions.length]).toEqual([403, asked + 1])
      })

      test('is not from before a write, nor from another copy of the data', async () => {
        await (await open())(line)
        await kept(1)
        const elsewhere = await open({}, (table) => ({ ...table, updatedAt: '2020-01-01T00:00:00.000Z' }))
        await elsewhere(line)
        expect(ran).toEqual([called, called])
        await kept(2)
        await write([{ k: 7 }])
        expect(JSON.stringify((await (await open())(line)).body.result.records)).toMatch(/7}\]$/)
      })

      test('is not shared by processes whose settings make other answers', async () => {
        await (await open())(line)
        await kept(1)
        await (await open({ MS_IN_TIMESTAMP: 'false' }))(line)
        expect(ran).toEqual([called, called])
      })

      test('goes after QUERY_CACHE_TTL', async () => {
        await (await open({ QUERY_CACHE_TTL: '7' }))(line)
        const [key = ''] = await kept(1)
        expect(await client.pttl(key)).toBeGreaterThan(0)
        expect(await client.pttl(key)).toBeLessThanOrEqual(7000)
      })

      const spoilt: [string, (key: string, value: Buffer) => Promise<unknown>][] = [
        ['words', (key) => client.set(key, 'not an answer')],
        ['bytes that are no text', (key) => client.set(key, Buffer.from([0xff, 0xfe, 0, 10, 0xc3]))],
        ['nothing', (key) => client.set(key, '')],
        ['the first half', (key, value) => client.set(key, value.subarray(0, value.length / 2))],
        [
          'other rows',
          (key, value) => client.set(key, Buffer.from(value.toString('latin1').replace('1', '9'), 'latin1')),
        ],
        ['what is far too long', (key) => client.set(key, Buffer.alloc(3_000_000, '{'))],
        ['a list', (key) => client.del(key).then(() => client.lpush(key, 'x'))],
      ]
      for (const [what, spoil] of spoilt) {
        test(`is found again by the engine where Redis has ${what} in its place`, async () => {
          const first = await (await open())(line)
          const [key = ''] = await kept(1)
          await spoil(key, (await client.getBuffer(key)) as Buffer)
          const ask = await open()
          const again = await ask(line)
          expect(ran).toEqual([called, called])
          expect([again.status, again.body.result.records]).toEqual([200, first.body.result.records])
        })
      }
    })
  }

  test("another question's answer is not taken for it", async () => {
    const ask = await open()
    await ask(SEARCH)
    const [one = ''] = await kept(1)
    await ask(SEARCH.replace('limit=5', 'limit=1'))
    const other = (await kept(2)).find((key) => key !== one) ?? ''
    await client.copy(one, other, 'REPLACE')
    const { body } = await (await open())(SEARCH.replace('limit=5', 'limit=1'))
    expect(body.result.records).toHaveLength(1)
  })

  test('what one process has there is bounded, and a large answer is not there at all', async () => {
    await write(Array.from({ length: 3000 }, (_, k) => ({ k })))
    const ask = await open({ QUERY_CACHE_MB: '1', SEARCH_RESULT_ROWS_MAX: '100000' })
    for (let offset = 0; offset < 40; offset += 1) {
      await ask(`GET /api/3/action/datastore_search?resource_id=r&limit=2900&offset=${offset}`)
    }
    const bytes = async () => {
      const keys = await client.keys('ckan-datastore:answer:*')
      return (await Promise.all(keys.map((key) => client.strlen(key)))).reduce((sum, length) => sum + length, 0)
    }
    await expect.poll(bytes).toBeLessThanOrEqual(1_000_000)
    expect(await bytes()).toBeGreaterThan(500_000)
    await client.flushdb()
    await write(Array.from({ length: 50_000 }, (_, k) => ({ k })))
    const { status } = await (await open({ SEARCH_RESULT_ROWS_MAX: '100000' }))(
      'GET /api/3/action/datastore_search?resource_id=r&limit=50000',
    )
    expect([status, await kept(0)]).toEqual([200, []])
  })

  describe('Redis that is gone', () => {
    for (const [how, lose] of [
      ['down', (own: RedisServer) => own.down()],
      ['silent', async (own: RedisServer) => own.freeze()],
    ] as const) {
      test(`${how}: the engine answers`, async () => {
        const own = await startRedis()
        try {
          const ask = await open({ REDIS_URL: own.url, QUERY_CACHE_MB: '1' })
          expect((await ask(SEARCH)).status).toBe(200)
          await lose(own)
          for (let limit = 1; limit < 20; limit += 1) {
            expect((await ask(SEARCH.replace('limit=5', `limit=${limit + 10}`))).status).toBe(200)
          }
          expect((await ask(SQL)).body.result.records).toEqual([{ s: 3 }])
        } finally {
          await own.close()
        }
      })
    }

    test('never there: the same', async () => {
      const ask = await open({ REDIS_URL: 'redis://127.0.0.1:1' })
      expect([(await ask(SEARCH)).status, (await ask(SQL)).status]).toEqual([200, 200])
    })
  })
})
