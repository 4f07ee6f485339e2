import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatastore, type Datastore } from '../../../src/app.ts'
import type { LogRecord } from '../../../src/core/log.ts'
import { createLogger } from '../../../src/core/log.ts'
import { toRequest } from '../../fixtures/datastore.ts'
import { assertValidAnswer } from '../../fixtures/valid-answer.ts'

const CLIENTS = 8
const CALLS = 12

type Made = (client: number, call: number) => [action: string, params: object]

const create: Made = (client, call) => [
  'datastore_create',
  {
    fields: [
      { id: 'k', type: 'int' },
      { id: `c${(client + call) % 5}`, type: 'text' },
    ],
    records: [{ k: call }],
    delete_fields: call % 3 === 0,
  },
]
const search: Made = () => ['datastore_search', { q: 'x', filters: { k: { gte: 1 } }, sort: 'k' }]
const drop: Made = () => ['datastore_delete', {}]

/** What the clients do at once, each its own share. */
const races: Readonly<Record<string, readonly Made[]>> = {
  'creates, searches and drops': [create, search, drop],
  'changes of columns and writes': [
    create,
    (_, call) => ['datastore_upsert', { method: 'insert', records: [{ k: call }] }],
    () => ['datastore_delete', { fields: ['c1'] }],
  ],
  'changes of columns, info and deleted rows': [
    create,
    () => ['datastore_info', {}],
    () => ['datastore_records_delete', { filters: { k: 3 } }],
    search,
  ],
}

describe('a table that many change at once, over HTTP', () => {
  let folder: string
  let datastore: Datastore
  const log: LogRecord[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'changing-'))
    const logger = createLogger({ logLevel: 'ERROR' }, (record) => log.push(record))
    const env = { AUTH_TYPE: 'anonymous', DUCKDB_PATH: folder, DUCKDB_MEMORY_LIMIT: '256MB', DUCKDB_THREADS: '1' }
    datastore = await createDatastore({ env, logger })
  })
  afterAll(async () => {
    await datastore.close()
    await rm(folder, { recursive: true })
  })

  const ask = (action: string, params: object) =>
    datastore.fetch(toRequest(`POST /api/3/action/${action} ${JSON.stringify(params)}`))

  test.each(Object.entries(races))('%s: an answer to each, none of them 500 or 503', async (name, makes) => {
    const statuses = new Map<number, number>()
    const client = async (number: number) => {
      for (let call = 0; call < CALLS; call += 1) {
        const [action, params] = (makes[(number + call) % makes.length] as Made)(number, call)
        const response = await ask(action, { resource_id: name, force: true, ...params })
        const text = await response.text()
        assertValidAnswer(action, response.status, JSON.parse(text))
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
        // A column or the table may be gone by then; nothing else may be wrong.
        expect([200, 404, 409], text).toContain(response.status)
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
    expect(statuses.get(200)).toBeGreaterThan(CLIENTS)
    expect(log).toEqual([])
    expect(await readdir(join(folder, 'load'))).toEqual([])
  })
})
