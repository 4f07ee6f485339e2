import { describe, expect, test } from 'vitest'
import { NotAuthorized } from '../../src/core/errors.ts'
import { spyingProvider, testDatastore } from '../fixtures/datastore.ts'

const SQL = encodeURIComponent('SELECT * FROM trees')
const known = { headers: { Authorization: 'x' } }

/** What is called, and what caches may do with the answer. */
const cases: [line: string, status: number, control: string][] = [
  ['GET /api/3/action/datastore_search?id=trees', 200, 'private, no-cache'],
  ['POST /api/3/action/datastore_search {"id": "trees"}', 200, 'private, no-cache'],
  ['GET /api/3/action/datastore_search?id=trees&callback=f', 200, 'private, no-cache'],
  ['GET /api/3/action/datastore_info?id=trees', 200, 'private, no-cache'],
  [`GET /api/3/action/datastore_search_sql?sql=${SQL}`, 200, 'private, no-cache'],
  ['GET /datastore/dump/trees', 200, 'private, no-cache'],
  [`GET /datastore/dump/query?sql=${SQL}`, 200, 'private, no-cache'],
  ['GET /api/3/action/datastore_search?id=secret', 403, 'no-store'],
  ['GET /datastore/dump/secret', 404, 'no-store'],
  ['GET /api/3/action/datastore_search?id=nothing', 404, 'no-store'],
  ['GET /api/3/action/datastore_search', 409, 'no-store'],
  ['GET /api/3/action/nothing', 400, 'no-store'],
  ['GET /nothing', 404, 'no-store'],
  ['DELETE /datastore/dump/trees', 405, 'no-store'],
  ['POST /api/3/action/datastore_upsert {"id": "trees", "records": []}', 200, 'no-store'],
  ['GET /health', 200, 'no-store'],
]

describe('caches', () => {
  const { provider } = spyingProvider(({ resourceId, permission }) => {
    if (resourceId === 'secret' && permission === 'read') throw new NotAuthorized('no')
    return {}
  })

  for (const [line, status, control] of cases) {
    test(`${line}: ${control}`, async () => {
      const { ask } = await testDatastore({ auth: provider, env: { API_TOKEN_HEADER: 'X-Portal-Token' } })
      await ask('POST /api/3/action/datastore_create {"id": "secret", "aliases": []}', known)
      const { headers, ...answer } = await ask(line, known).then((response) => ({
        status: response.status,
        headers: response.headers,
      }))
      expect([answer.status, headers.get('cache-control')]).toEqual([status, control])
      expect(headers.get('vary')).toBe('X-Portal-Token, Authorization, X-CKAN-API-Key, Accept, Accept-Encoding')
    })
  }

  test('a page of one origin is not given to another', async () => {
    const { ask } = await testDatastore({ env: { CORS_ORIGINS: 'https://a.example' } })
    const { headers } = await ask('GET /api/3/action/datastore_search?id=nothing')
    expect(headers.get('vary')).toBe('Authorization, X-CKAN-API-Key, Accept, Accept-Encoding, Origin')
  })
})
