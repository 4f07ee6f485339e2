import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Running, serve } from '../../adapters/node/serve.ts'
import { createLogger } from '../../src/core/log.ts'
import { type CkanServer, startCkan } from '../fixtures/ckan-server.ts'
import { pythonWith, reasonWithoutPython } from '../fixtures/python-env.ts'

const EDITOR = 'token-of-the-editor-4711'
const READER = 'token-of-a-reader-0815'

const reason = reasonWithoutPython()
const title = `ckanapi 4.11 against a running server${reason ? ` (skipped: ${reason})` : ''}`

/** Each step of ckanapi-session.py, and what must come of it. */
const expected: readonly (readonly [step: string, outcome: unknown])[] = [
  [
    'create',
    {
      resource_id: 'trees',
      method: 'insert',
      primary_key: ['species'],
      fields: [
        { id: 'species', type: 'text', info: { label: 'Größe' } },
        { id: 'height', type: 'numeric' },
      ],
    },
  ],
  ['upsert', { resource_id: 'trees', method: 'upsert' }],
  [
    'search',
    {
      total: 2,
      records: [
        { _id: 1, species: 'oak', height: 13 },
        { _id: 3, species: 'elm', height: 3 },
      ],
    },
  ],
  [
    'get_only',
    {
      total: 2,
      records: [
        { species: 'elm', height: 3 },
        { species: 'oak', height: 13 },
      ],
    },
  ],
  ['search_sql', { records: [{ n: 3, h: 13 }] }],
  [
    'info',
    { meta: { id: 'trees', count: 3 }, fields: [{ id: 'species', info: { label: 'Größe' } }, { id: 'height' }] },
  ],
  ['invalid', ['ValidationError', { __type: 'Validation Error', limit: ['Must be a natural number'] }]],
  ['bad value', ['ValidationError', { records: ['invalid input syntax for type numeric: "y"'], records_row: 0 }]],
  ['denied', ['NotAuthorized', expect.stringMatching(/^Access denied: /)]],
  ['anonymous', ['NotAuthorized', 'Access denied: Action datastore_delete requires an authenticated user']],
  ['unknown action', ['CKANAPIError', expect.stringContaining('Action name not known: package_list')]],
  ['delete rows', { resource_id: 'trees', filters: { species: 'elm' } }],
  ['delete', { resource_id: 'trees' }],
  ['gone', ['NotFound', expect.stringContaining('Resource "trees" was not found.')]],
]

describe.skipIf(reason)(title, () => {
  let ckan: CkanServer
  let server: Running
  let folder: string
  let steps: Record<string, unknown>

  beforeAll(async () => {
    const python = await pythonWith('ckanapi==4.11')
    folder = await mkdtemp(join(tmpdir(), 'ckanapi-'))
    ckan = await startCkan()
    ckan.addUser(EDITOR, { name: 'erna', editor: true })
    ckan.addUser(READER, { name: 'rita' })
    ckan.addResource('trees')
    const env = { PORT: '0', DUCKDB_PATH: folder, DUCKDB_MEMORY_LIMIT: '256MB', CKAN_URL: ckan.url }
    server = await serve({ env, logger: createLogger({ logLevel: 'CRITICAL' }, () => {}) })
    const { stdout } = await promisify(execFile)(python, [
      'test/fixtures/ckanapi-session.py',
      server.url,
      EDITOR,
      READER,
    ])
    steps = JSON.parse(stdout)
  }, 180_000)

  afterAll(async () => {
    await server?.close()
    await ckan?.close()
    if (folder) await rm(folder, { recursive: true })
  })

  test.each(expected)('%s', (step, outcome) => expect(steps[step]).toMatchObject(outcome as object))

  test('no other step', () => expect(Object.keys(steps).sort()).toEqual(expected.map(([step]) => step).sort()))
})
