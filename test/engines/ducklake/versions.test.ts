import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createDatastore, type Datastore } from '../../../src/app.ts'
import { NotAuthorized } from '../../../src/core/errors.ts'
import { createLogger } from '../../../src/core/log.ts'
import { spyingProvider, toRequest } from '../../fixtures/datastore.ts'
import { expectError } from '../../fixtures/envelope.ts'
import { reasonWithoutPostgresLake } from '../../services/extensions.ts'
import type { PostgresServer } from '../../services/postgres.ts'
import { startPostgres } from '../../services/postgres.ts'
import { freshId } from '../../suites/engine/kit.ts'
import { makeLake, openEngine, type TestLake } from './open.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

interface Found {
  // biome-ignore lint/suspicious/noExplicitAny: checks of parts read better without casts
  [key: string]: any
}

describe.skipIf(reasonWithoutPostgresLake() !== undefined)('versions over HTTP', () => {
  let postgres: PostgresServer
  let lake: TestLake
  let datastore: Datastore
  const denied = new Set<string>()
  const { provider } = spyingProvider(({ resourceId, permission }) => {
    if (permission === 'read' && denied.has(String(resourceId))) throw new NotAuthorized('no')
    return {}
  })
  beforeAll(async () => {
    postgres = await startPostgres()
    lake = await makeLake(() => postgres.createDatabase())
    const env = { ...lake.env, SITE_URL: 'https://data.example.org', DUMP_CACHE_MB: '100' }
    const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
    datastore = await createDatastore({ env, auth: provider, logger })
  })
  afterAll(async () => {
    await datastore?.close()
    await lake?.close()
    await postgres?.close()
  })

  const ask = (line: string, headers: Record<string, string> = {}) =>
    datastore.fetch(toRequest(line, { headers: { Authorization: 'x', ...headers } }))
  const act = async (action: string, params: object): Promise<Found> => {
    const response = await ask(`POST /api/3/action/datastore_${action} ${JSON.stringify(params)}`)
    const body = (await response.json()) as Found
    expect([response.status, body.error]).toEqual([200, undefined])
    return body.result
  }
  const search = async (query: string, headers?: Record<string, string>) => {
    const response = await ask(`GET /api/3/action/datastore_search?${query}`, headers)
    const text = await response.text()
    return {
      response,
      status: response.status,
      etag: response.headers.get('etag') ?? '',
      result: (text === '' ? {} : JSON.parse(text).result) as Found,
    }
  }
  const dump = async (path: string, headers?: Record<string, string>) => {
    const response = await ask(`GET /datastore/dump/${path}`, headers)
    return { status: response.status, etag: response.headers.get('etag') ?? '', text: await response.text() }
  }
  const revisionsOf = async (id: string): Promise<{ revision: number; committed_at: string }[]> =>
    (await act('info', { resource_id: id })).revisions
  const maintain = async () => {
    const engine = await openEngine(lake.env)
    await engine.maintain?.({ forget: true })
    await engine.close()
  }

  /** A table of three rows, which had two with another column; answers its id and both revisions, the older one first. */
  async function twoVersions(): Promise<[string, number, number]> {
    const id = freshId()
    const fields = [{ id: 'k', type: 'int' }, { id: 'old', type: 'text' }] // biome-ignore format: short
    const records = [{ k: 1, old: 'a' }, { k: 2, old: 'b' }] // biome-ignore format: short
    await act('create', { resource_id: id, fields, primary_key: 'k', records, aliases: `${id}-alias` })
    await act('upsert', { resource_id: id, records: [{ k: 1, old: 'x' }, { k: 3, old: 'c' }] }) // biome-ignore format: short
    const [now, then] = await revisionsOf(id)
    return [id, then?.revision as number, now?.revision as number]
  }

  test('datastore_info lists them, a search reads each, by its number, by time and by an alias', async () => {
    const [id, then, now] = await twoVersions()
    await act('delete', { resource_id: id, fields: ['old'] })
    const listed = await revisionsOf(id)
    const [last] = listed.map(({ revision }) => revision)
    expect(listed.map(({ revision }) => revision)).toEqual([last, now, then])
    expect(last).toBeGreaterThan(now)
    expect((await act('info', { resource_id: id, include_meta: false })).revisions).toBeUndefined()
    const old = await search(`resource_id=${id}&revision=${then}`)
    expect(old.result).toMatchObject({
      resource_id: id,
      revision: then,
      total: 2,
      fields: [{ id: '_id' }, { id: 'k' }, { id: 'old' }],
      schema: { fields: [{ name: '_id' }, { name: 'k' }, { name: 'old' }], primaryKey: ['k'] },
      records: [{ _id: 1, k: 1, old: 'a' }, { _id: 2, k: 2, old: 'b' }], // biome-ignore format: short
    })
    const time = encodeURIComponent(listed[1]?.committed_at as string)
    const timed = await search(`resource_id=${id}-alias&as_of=${time}`)
    expect(timed.result).toMatchObject({ resource_id: id, revision: now, as_of: listed[1]?.committed_at, total: 3 })
    const posted = await act('search', { resource_id: id, revision: now, filters: { old: 'x' }, q: 'x' })
    expect(posted).toMatchObject({ total: 1, records: [{ k: 1, old: 'x' }] })
    const current = await search(`resource_id=${id}`)
    expect([current.result.revision, Object.keys(current.result.records[0])]).toEqual([undefined, ['_id', 'k']])
    expect((await search(`resource_id=${id}&revision=${last}&fields=old`)).status).toBe(409)
  })

  test('the time of a revision stays what it was when it was the newest', async () => {
    const [id] = await twoVersions()
    for (let k = 10; k < 13; k += 1) {
      const [newest] = await revisionsOf(id)
      await act('upsert', { resource_id: id, records: [{ k }] })
      expect((await revisionsOf(id))[1]).toEqual(newest)
      const time = encodeURIComponent(newest?.committed_at as string)
      expect((await search(`resource_id=${id}&as_of=${time}`)).result).toMatchObject({ revision: newest?.revision })
    }
  })

  test('the links of a page lead to pages of the same version', async () => {
    const [id, then] = await twoVersions()
    const first = await search(`resource_id=${id}&revision=${then}&limit=1`)
    const { next } = first.result._links as { next: string }
    expect(new URL(next).searchParams.get('revision')).toBe(String(then))
    await act('upsert', { resource_id: id, records: [{ k: 0, old: 'later' }] })
    const second = await search(new URL(next).search.slice(1))
    expect([second.result.records, second.result.total]).toEqual([[{ _id: 2, k: 2, old: 'b' }], 2])
    expect(second.result._links.next).toBeUndefined()
  })

  test('a download is of its version, and so is its tag', async () => {
    const [id, then, now] = await twoVersions()
    const old = await dump(`${id}?revision=${then}`)
    expect(old.text).toBe('_id,k,old\r\n1,1,a\n2,2,b\n')
    const current = await dump(id)
    expect(current.text).toBe('_id,k,old\r\n1,1,x\n2,2,b\n3,3,c\n')
    expect((await dump(`${id}.csv?revision=${now}`)).text).toBe(current.text)
    expect((await dump(`${id}?revision=${then}`)).text).toBe(old.text)
    expect((await dump(`${id}?revision=${then}&format=json&limit=1`)).text).toContain('[1,1,"a"]')
    expect((await dump(`${id}?revision=${then}`, { 'If-None-Match': old.etag })).status).toBe(304)
    expect((await dump(id, { 'If-None-Match': old.etag })).status).toBe(200)
    expect((await dump(`${id}?revision=${then}`, { 'If-None-Match': current.etag })).status).toBe(200)
    const head = await ask(`HEAD /datastore/dump/${id}?revision=${then}`)
    expect([head.status, head.headers.get('etag')]).toEqual([200, old.etag])
  })

  test('kept answers and tags of one version are never those of another', async () => {
    const [id, then] = await twoVersions()
    const current = await search(`resource_id=${id}`)
    const old = await search(`resource_id=${id}&revision=${then}`)
    const query = `resource_id=${id}&as_of=2999-01-01`
    const future = await search(query)
    expect(new Set([current.etag, old.etag, future.etag]).size).toBe(3)
    for (const etag of [current.etag, future.etag])
      expect((await search(`resource_id=${id}&revision=${then}`, { 'If-None-Match': etag })).status).toBe(200)
    expect((await search(`resource_id=${id}&revision=${then}`, { 'If-None-Match': old.etag })).status).toBe(304)
    await act('upsert', { resource_id: id, records: [{ k: 4, old: 'd' }] })
    expect((await search(`resource_id=${id}&revision=${then}`)).result).toEqual(old.result)
    // A time that has not come yet means the table as it stands, which now is another.
    expect((await search(query, { 'If-None-Match': future.etag })).result.total).toBe(4)
    expect((await search(`resource_id=${id}`, { 'If-None-Match': old.etag })).result.total).toBe(4)
  })

  test('who may not read the table now may read none of its versions', async () => {
    const [id, then] = await twoVersions()
    const { etag } = await search(`resource_id=${id}&revision=${then}`)
    denied.add(id)
    expect((await search(`resource_id=${id}&revision=${then}`)).status).toBe(403)
    expect((await search(`resource_id=${id}&revision=${then}`, { 'If-None-Match': etag })).status).toBe(403)
    expect((await dump(`${id}?revision=${then}`)).status).toBe(404)
  })

  test('unknown ones are not found, and neither are those of a table that was deleted', async () => {
    const [id, then, now] = await twoVersions()
    const missing = async (query: string) => {
      const response = await ask(`GET /api/3/action/datastore_search?resource_id=${id}&${query}`)
      return (await expectError(response, 404, 'Not Found Error')).message
    }
    expect(await missing('revision=1')).toBe(
      `Not found: Resource "${id}" has no revision 1, or none any more. Those that can be read are listed by datastore_info.`,
    )
    await missing(`revision=${now + 1}`)
    await missing('as_of=2000-01-01')
    await expectError(await ask(`GET /datastore/dump/${id}?revision=1`), 404, 'Not Found Error')
    const time = new Date().toISOString()
    await sleep(2)
    await act('delete', { resource_id: id })
    await missing(`revision=${then}`)
    await act('create', { resource_id: id, records: [{ k: 7 }] })
    await missing(`revision=${then}`)
    await missing(`revision=${now}`)
    await missing(`as_of=${time}`)
    expect((await revisionsOf(id)).length).toBe(1)
  })

  test('SQL reads tables as they stand: it can name no version', async () => {
    const [id, then] = await twoVersions()
    for (const sql of [
      `SELECT * FROM "${id}" AT (VERSION => 3)`,
      `SELECT * FROM "${id}" AT (TIMESTAMP => now())`,
      `SELECT * FROM (FROM "${id}" AT (VERSION => ${then}))`,
    ]) {
      const response = await ask(`POST /api/3/action/datastore_search_sql ${JSON.stringify({ sql })}`)
      expect([403, 409], sql).toContain(response.status)
    }
    const body = { sql: `SELECT count(*) AS n FROM "${id}"`, revision: then, as_of: '2020-01-01' }
    const response = await ask(`POST /api/3/action/datastore_search_sql ${JSON.stringify(body)}`)
    expect(await response.json()).toMatchObject({ success: true, result: { records: [{ n: 3 }] } })
    const info = await act('info', { resource_id: id })
    expect(await act('info', { resource_id: id, revision: then, as_of: '2020-01-01' })).toEqual(info)
  })

  test('what was given up is not found any more, whatever is kept of it', async () => {
    const [id, then, now] = await twoVersions()
    const old = await search(`resource_id=${id}&revision=${then}`)
    const file = await dump(`${id}?revision=${then}`)
    await maintain()
    expect((await search(`resource_id=${id}&revision=${then}`)).status).toBe(404)
    expect((await search(`resource_id=${id}&revision=${then}`, { 'If-None-Match': old.etag })).status).toBe(404)
    expect((await dump(`${id}?revision=${then}`, { 'If-None-Match': file.etag })).status).toBe(404)
    expect((await search(`resource_id=${id}&revision=${now}`)).result.total).toBe(3)
    expect((await search(`resource_id=${id}&as_of=${new Date().toISOString()}`)).result.total).toBe(3)
    expect((await revisionsOf(id)).map(({ revision }) => revision)).toEqual([now])
  })
})
