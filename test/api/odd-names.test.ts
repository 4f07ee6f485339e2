import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatastore, type Datastore } from '../../src/app.ts'
import { toRequest } from '../fixtures/datastore.ts'

/** What every JavaScript object has, or takes for its prototype. */
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']

/** Calls with such a name where the caller chooses one. Texts: `JSON.stringify` would lose `__proto__`. */
const calls = (name: string): string[] => {
  const post = (action: string, body: string) => `POST /api/3/action/${action} ${body}`
  const create = (rest: string) => post('datastore_create', `{"resource_id": "new ${name}", ${rest}}`)
  const search = (query: string) => `GET /api/3/action/datastore_search?resource_id=trees&${query}`
  return [
    post('datastore_create', `{"resource_id": "${name}"}`),
    post('datastore_create', `{"${name}": {"resource_id": "trees"}}`),
    create(`"${name}": 1`),
    create(`"fields": [{"id": "${name}", "type": "text"}], "records": [{"${name}": "1"}]`),
    create(`"fields": [{"id": "a", "type": "${name}"}]`),
    create(`"fields": [{"id": "a", "type": "text", "info": {"${name}": {"x": 1}}, "${name}": 1}]`),
    create(`"schema": {"${name}": 1, "fields": [{"name": "a", "type": "${name}"}]}`),
    create(`"schema": {"fields": [{"name": "a", "${name}": 1, "format": "${name}", "constraints": {"${name}": 1}}]}`),
    create(`"primary_key": "${name}"`),
    create(`"indexes": "${name}"`),
    create(`"aliases": "${name}"`),
    post('datastore_upsert', `{"resource_id": "trees", "method": "${name}", "records": []}`),
    post('datastore_upsert', `{"resource_id": "trees", "method": "insert", "records": [{"${name}": 1}]}`),
    post('datastore_delete', `{"resource_id": "trees", "filters": {"${name}": 1}}`),
    post('datastore_search', `{"resource_id": "trees", "filters": {"n": {"${name}": 1}}}`),
    post('datastore_search', `{"resource_id": "trees", "q": {"${name}": "x"}}`),
    ...['sort', 'fields', 'records_format', 'language', 'limit', 'distinct', name].map((key) =>
      search(`${key}=${name}`),
    ),
    search(`q=x&language=${name}`),
    `GET /api/3/action/${name}`,
    `GET /api/3/action/help_show?name=${name}`,
    `GET /api/3/action/datastore_search_sql?sql=${encodeURIComponent(`SELECT "${name}"(n), "${name}" FROM trees`)}`,
    `GET /api/3/action/datastore_search_sql?sql=${encodeURIComponent(`SELECT n::"${name}" FROM trees AS "${name}"`)}`,
    `GET /datastore/dump/${name}`,
    `GET /datastore/dump/trees.${name}`,
    `GET /datastore/dump/trees?format=${name}`,
    `POST /datastore/load/trees?format=${name} {"n": 1}`,
    `POST /datastore/load/trees?format=csv&encoding=${name} {"n": 1}`,
    `POST /datastore/load/new%20${name}?format=ndjson {"${name}": 1}`,
  ]
}

describe('a name that every object has is a name like any other', () => {
  let path: string
  let datastore: Datastore
  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), 'odd-names-'))
    datastore = await createDatastore({ env: { DUCKDB_PATH: path, LOG_LEVEL: 'CRITICAL' }, auth: 'anonymous' })
    await datastore.fetch(
      toRequest('POST /api/3/action/datastore_create {"resource_id": "trees", "records": [{"n": 1}]}'),
    )
  })
  afterAll(async () => {
    await datastore.close()
    await rm(path, { recursive: true, force: true })
  })

  for (const name of NAMES) {
    test(name, async () => {
      for (const line of calls(name)) {
        const response = await datastore.fetch(toRequest(line))
        expect([line, response.status, await response.text()]).toEqual([
          line,
          expect.toSatisfy((status: number) => status < 500),
          expect.any(String),
        ])
      }
      const form = new FormData()
      form.set(name, 'x')
      form.set('file', new File(['n\n1\n'], `trees.${name}`, { type: name }))
      const request = new Request('http://localhost/datastore/load/trees', { method: 'POST', body: form })
      expect((await datastore.fetch(request)).status).toBeLessThan(500)
      expect(Object.keys(Object.prototype)).toEqual([])
    })
  }
})
