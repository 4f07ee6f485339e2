import { fail } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { operations } from '../../src/api/routes.ts'
import { createDatastore, type Datastore } from '../../src/app.ts'
import type { LogRecord } from '../../src/core/log.ts'
import { createLogger } from '../../src/core/log.ts'
import { toRequest } from '../fixtures/datastore.ts'
import { type RandomCall, randomCalls, toRandomRequest } from '../fixtures/random-calls.ts'
import { assertValidAnswer } from '../fixtures/valid-answer.ts'

const runs = process.env.FULL ? 2_000 : 200
const seed = Number(process.env.RANDOM_SEED ?? 20_260_501)

const DECLARED = [
  { id: 'a', type: 'int' },
  { id: 'b', type: 'numeric' },
  { id: 'n', type: 'bigint' },
  { id: 't', type: 'text' },
  { id: 'd', type: 'timestamp' },
  { id: 'j', type: 'json' },
  { id: 'tags', type: 'text[]' },
  { id: 'größe', type: 'float' },
  { id: 'a b', type: 'bool' },
]
const RECORDS = [
  { a: 1, b: 1.5, n: 7, t: 'oak', d: '2020-01-01', j: { x: 1 }, tags: ['x'], größe: 1.5, 'a b': true },
  { a: 2, b: null, n: null, t: 'an elm', d: null, j: null, tags: null, größe: null, 'a b': null },
]
const TABLES: readonly {
  resource_id: string
  fields: object[]
  records: object[]
  aliases?: string
  primary_key?: string[]
}[] = [
  { resource_id: 'plain', fields: DECLARED, records: RECORDS, aliases: 'an-alias' },
  { resource_id: 'keyed', fields: DECLARED, records: RECORDS, primary_key: ['a'] },
]

describe(`${runs} random calls of each action, seed ${seed}`, () => {
  let datastore: Datastore
  let folder: string
  const defects: LogRecord[] = []

  beforeAll(async () => {
    console.log(`RANDOM_SEED=${seed}`)
    folder = await mkdtemp(join(tmpdir(), 'random-'))
    const logger = createLogger({ logLevel: 'ERROR' }, (record) => defects.push(record))
    const env = {
      AUTH_TYPE: 'anonymous',
      DUCKDB_PATH: folder,
      DUCKDB_MEMORY_LIMIT: '256MB',
      DUCKDB_THREADS: '1',
      QUERY_TIMEOUT_SECONDS: '5',
    }
    datastore = await createDatastore({ env, logger })
  })

  afterAll(async () => {
    await datastore.close()
    await rm(folder, { recursive: true })
  })

  const post = (action: string, params: object) =>
    datastore.fetch(toRequest(`POST /api/3/action/datastore_${action} ${JSON.stringify(params)}`))

  /** The tables as they were, for the next action. */
  async function restoreTables(): Promise<void> {
    for (const { resource_id } of TABLES) await post('delete', { resource_id })
    for (const table of TABLES) await post('create', table)
  }

  async function check(call: RandomCall): Promise<void> {
    const response = await datastore.fetch(toRandomRequest(call))
    const text = await response.text()
    const { status } = response
    if (status >= 500 && status !== 501) fail(`${status} ${text} ${JSON.stringify(defects.slice(-2))}`)
    if (call.action === 'dump' && status === 200) return
    if (/^application\/javascript/.test(response.headers.get('content-type') ?? '')) return
    assertValidAnswer(call.action, status, JSON.parse(text))
    if (/"resource_id":"(plain|keyed)"/.test(text) && call.action === 'datastore_delete' && status === 200)
      await restoreTables()
  }

  for (const operation of operations.filter(({ kind, name }) => kind === 'action' || name === 'dump')) {
    test(operation.name, async () => {
      await restoreTables()
      await fc.assert(fc.asyncProperty(randomCalls(operation), check), { numRuns: runs, seed })
    }, 600_000)
  }
})
