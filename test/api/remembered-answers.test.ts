import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatastore, type Datastore } from '../../src/app.ts'
import { NotAuthorized } from '../../src/core/errors.ts'
import { spyingProvider, toRequest } from '../fixtures/datastore.ts'

describe('answers that are asked for again', () => {
  let path: string
  let datastore: Datastore
  let denied = false
  const { provider, questions } = spyingProvider(() => {
    if (denied) throw new NotAuthorized('no')
    return {}
  })
  const post = (action: string, params: unknown) =>
    datastore.fetch(
      toRequest(`POST /api/3/action/${action} ${JSON.stringify(params)}`, { headers: { Authorization: 'x' } }),
    )
  const search = (query: string, headers: Record<string, string> = {}) =>
    datastore.fetch(toRequest(`GET /api/3/action/datastore_search?${query}`, { headers }))
  const rows = async (response: Response) => (await response.json()).result.records

  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), 'answers-'))
    datastore = await createDatastore({ env: { DUCKDB_PATH: path, LOG_LEVEL: 'CRITICAL' }, auth: provider })
    await post('datastore_create', { resource_id: 'r', primary_key: 'k', records: [{ k: 1 }] })
  })
  afterAll(async () => {
    await datastore.close()
    await rm(path, { recursive: true, force: true })
  })

  it('are the same, under the same ETag, and never from before a write', async () => {
    const [first, second] = [await search('resource_id=r'), await search('resource_id=r')]
    expect(first.headers.get('etag')).toBe(second.headers.get('etag'))
    expect(first.headers.get('cache-control')).toBe('private, no-cache')
    expect(first.headers.get('vary')).toContain('Authorization')
    expect(await rows(first)).toEqual(await rows(second))
    await post('datastore_upsert', { resource_id: 'r', records: [{ k: 2 }] })
    const third = await search('resource_id=r')
    expect(third.headers.get('etag')).not.toBe(first.headers.get('etag'))
    expect(await rows(third)).toHaveLength(2)
  })

  it('are 304 for a client that has them, and only then', async () => {
    const etag = (await search('resource_id=r')).headers.get('etag') as string
    const again = await search('resource_id=r', { 'If-None-Match': `"other", W/${etag}` })
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag])
    expect((await search('resource_id=r&limit=1', { 'If-None-Match': etag })).status).toBe(200)
  })

  it('are given to nobody who may not read, however well they are known', async () => {
    const etag = (await search('resource_id=r')).headers.get('etag') as string
    const asked = questions.length
    denied = true
    const statuses = [await search('resource_id=r'), await search('resource_id=r', { 'If-None-Match': etag })]
    denied = false
    expect(statuses.map(({ status }) => status)).toEqual([403, 403])
    expect(questions.length).toBe(asked + 2)
  })

  it('are told apart by what was asked', async () => {
    const asked = [
      'resource_id=r',
      'resource_id=r&limit=1',
      'resource_id=r&offset=1',
      'resource_id=r&records_format=csv',
      'id=r&sort=k%20desc',
    ]
    const etags = await Promise.all(asked.map(async (query) => (await search(query)).headers.get('etag')))
    expect(new Set(etags).size).toBe(asked.length)
    expect(await rows(await search('resource_id=r&sort=k%20desc'))).toEqual([
      expect.objectContaining({ k: 2 }),
      expect.objectContaining({ k: 1 }),
    ])
  })
})
