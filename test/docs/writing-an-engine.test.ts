import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../src/infrastructure/engines/engine.ts'
import { type DocumentServer, startDocumentServer } from '../fixtures/document-server.ts'
import { describeContract } from '../suites/contract/describe.ts'
import { openInProcess } from '../suites/contract/open.ts'
import { engineSuite } from '../suites/engine/index.ts'
import { Kit, refusal } from '../suites/engine/kit.ts'
import { root } from '../suites/source-tree.ts'
import { gaps } from './documents-gaps.ts'

const blocks = readFileSync(join(root, 'docs/writing-an-engine.md'), 'utf8').matchAll(/^```js\n([\s\S]*?)^```/gm)
const code = [...blocks].map(([, block = '']) => block).join('\n')

const folder = mkdtempSync(join(tmpdir(), 'engine-docs-'))
const servers: DocumentServer[] = []
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()))
  rmSync(folder, { recursive: true, force: true })
})

const path = join(folder, 'documents.mjs')
// The package by its source: what is built may be older.
writeFileSync(path, code.replace("'ckan-datastore'", JSON.stringify(join(root, 'src/index.ts'))))
const { default: documents } = (await import(pathToFileURL(path).href)) as {
  default: (options: { url: string }) => Engine
}

async function startServer(): Promise<DocumentServer> {
  const server = await startDocumentServer()
  servers.push(server)
  return server
}
const open = async () => documents({ url: (await startServer()).url })

test('the engine of docs/writing-an-engine.md is the one of the worker example', () => {
  expect(code).toBe(readFileSync(join(root, 'examples/worker/documents.js'), 'utf8'))
})

engineSuite(
  'documents',
  async () => {
    const engine = await open()
    return { engine, close: () => engine.close() }
  },
  { only: ['searches'] },
)

describe('the contract', () => {
  const opened = openInProcess(open)
  afterAll(() => opened.close())
  describeContract({ open: opened.open, smoke: true, gaps })
})

describe('deletes', () => {
  let kit: Kit
  beforeAll(async () => {
    const engine = await open()
    kit = new Kit(() => engine)
  })
  const RECORDS = [{ k: 1, v: 'a' }, { k: 2, v: 'b' }, { k: 3 }]
  const cases: [filters: unknown, left: number[]][] = [
    [{ v: 'a' }, [2, 3]],
    [{ k: { gt: 1 } }, [1]],
    [{ v: null }, [1, 2]],
    [{ $or: [{ k: 1 }, { v: 'b' }] }, [3]],
    [{}, []],
  ]
  test.each(cases)('rows by %j', async (filters, left) => {
    const id = await kit.make({ k: 'int', v: 'text' }, RECORDS)
    expect(await kit.deleteRows(id, filters)).toMatchObject({
      affected: 3 - left.length,
      table: { count: left.length },
    })
    expect(await kit.values(id, 'k')).toEqual(left)
    await kit.upsert(id, [{ k: 4 }], { method: 'insert' })
    expect((await kit.rows(id)).at(-1)).toMatchObject({ _id: 4, k: 4 })
  })

  test('columns, and tables', async () => {
    const id = await kit.make({ k: 'int', v: 'text' }, RECORDS, { indexes: [['k'], ['v', 'k']], aliases: ['beware'] })
    const { schemaRevision, revision } = await kit.table(id)
    const { table } = await kit.engine.delete({ id, what: 'columns', basedOn: schemaRevision, columns: ['v'] })
    expect([table?.indexes, table?.columns.length]).toEqual([[['k']], 1])
    await kit.create(id, { k: 'int', v: 'text' })
    expect(await kit.values(id, 'v')).toEqual([null, null, null])
    expect(await refusal(kit.engine.delete({ id: 'beware', what: 'table' }))).toMatchObject({ status: 404 })
    await kit.engine.delete({ id, what: 'table' })
    expect(await kit.engine.describe('beware')).toBeUndefined()
    await kit.create(id, { k: 'int' })
    expect((await kit.table(id)).revision).toBeGreaterThan(revision)
  })
})

describe('two processes', () => {
  const kits: Kit[] = []
  beforeAll(async () => {
    const { url } = await startServer()
    for (const engine of [documents({ url }), documents({ url })]) kits.push(new Kit(() => engine))
  })

  test('see what the other has written, and lose nothing that both write at once', async () => {
    const [a, b] = kits as [Kit, Kit]
    const id = await a.make({ k: 'int' }, [], { key: ['k'] })
    await Promise.all(Array.from({ length: 40 }, (_, k) => (k % 2 ? a : b).upsert(id, [{ k }])))
    for (const kit of kits) {
      const rows = await kit.rows(id)
      expect(rows.map(({ k }) => Number(k)).sort((x, y) => x - y)).toEqual(Array.from({ length: 40 }, (_, k) => k))
      expect(new Set(rows.map(({ _id }) => _id)).size).toBe(40)
    }
  })

  test('plan again when the other has changed the columns', async () => {
    const [a, b] = kits as [Kit, Kit]
    const id = await a.make({ k: 'int' }, [{ k: 1 }])
    const { schemaRevision } = await a.table(id)
    await b.create(id, { k: 'int', more: 'text' })
    const stale = refusal(a.engine.delete({ id, what: 'rows', basedOn: schemaRevision, filter: undefined }))
    expect((await stale).code).toBe('ERR_STALE_SCHEMA')
  })

  test('keep all digits, and refuse what they could not', async () => {
    const [a] = kits as [Kit]
    const id = await a.make({ n: 'numeric', k: 'bigint' }, '[{"n": 12345678901234567890.05, "k": 9007199254740993}]')
    expect((await a.search(id, { fields: ['n', 'k'] })).text).toBe('{"n":12345678901234567890.05,"k":9007199254740993}')
    expect((await refusal(a.upsert(id, [{ k: '9223372036854775808' }], { method: 'insert' }))).detail).toMatchObject({
      records_row: 0,
      records_column: 'k',
    })
    expect((await refusal(a.make({ d: 'date' }))).message).toContain('column "d"')
  })
})

test('a store that does not answer is a 503', async () => {
  const server = await startDocumentServer()
  const engine = documents({ url: server.url })
  await server.close()
  await expect(engine.describe('x')).rejects.toMatchObject({ status: 503 })
})
