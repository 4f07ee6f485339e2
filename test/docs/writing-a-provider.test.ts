import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { AuthProvider } from '../../src/auth/provider.ts'
import { testDatastore } from '../fixtures/datastore.ts'
import { root } from '../suites/source-tree.ts'

const folder = mkdtempSync(join(tmpdir(), 'provider-docs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const [, code = ''] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/writing-a-provider.md'), 'utf8')) ?? []

describe('the provider of docs/writing-a-provider.md, as it stands there', async () => {
  const path = join(folder, 'list.mjs')
  // The package by its source: what is built may be older.
  writeFileSync(path, code.replace("'ckan-datastore'", JSON.stringify(join(root, 'src/index.ts'))))
  const { default: list } = (await import(pathToFileURL(path).href)) as { default: () => AuthProvider }

  const READ = 'GET /api/3/action/datastore_search?resource_id=trees'
  const WRITE = 'POST /api/3/action/datastore_upsert {"resource_id": "trees", "method": "insert", "records": []}'
  const answers: [string, string | undefined, number][] = [
    [READ, undefined, 200],
    [READ, 'a-long-secret', 200],
    [READ, 'made-up', 403],
    [WRITE, 'a-long-secret', 200],
    [WRITE, undefined, 403],
    [WRITE, 'made-up', 403],
    [WRITE, 'constructor', 403],
  ]
  for (const [line, token, status] of answers) {
    test(`${line.split(' ', 2).join(' ')} with ${token ?? 'no token'}: ${status}`, async () => {
      const { ask } = await testDatastore({ auth: list() })
      const response = await ask(line, token === undefined ? {} : { headers: { Authorization: token } })
      expect(response.status).toBe(status)
    })
  }
})
