import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Running, serve } from '../../adapters/node/serve.ts'
import { createLogger } from '../../src/core/log.ts'
import { runCommand } from './run-command.ts'

const ROWS = 11_000

let folder: string
let from: Running
let to: Running
/** In front of `from`: answers as a CKAN does where ours says more, and breaks when it is told to. */
let ckan: Server
let ckanUrl: string
let failAfter = Number.POSITIVE_INFINITY
let asked: string[] = []
/** Answers in its place, or changes what is asked; undefined: as it is. */
let instead: ((action: string, body: Record<string, unknown>) => string | object | undefined | 'silence') | undefined

async function act({ url }: Pick<Running, 'url'>, action: string, body: object) {
  const response = await fetch(`${url}/api/3/action/datastore_${action}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Connection: 'close' },
    body: JSON.stringify(body),
  })
  // biome-ignore lint/suspicious/noExplicitAny: parts of answers
  return { text: await response.clone().text(), ...((await response.json()) as { result: any }) }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-'))
  const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
  const open = (name: string) =>
    serve({ env: { DUCKDB_PATH: join(folder, name), AUTH_TYPE: 'anonymous', PORT: '0' }, logger })
  from = await open('from')
  ckan = createServer(async (incoming, outgoing) => {
    let body = ''
    for await (const chunk of incoming) body += chunk
    asked.push(`${incoming.url} ${incoming.headers.authorization ?? ''}`)
    if (body.includes('"offset":') && body.includes('"trees"') && failAfter-- <= 0) return outgoing.destroy()
    const other = instead?.(incoming.url?.split('datastore_')[1] ?? '', JSON.parse(body))
    if (other === 'silence') return
    if (typeof other === 'string') return outgoing.writeHead(200).end(other)
    const response = await fetch(from.url + incoming.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Connection: 'close' },
      body: other ? JSON.stringify(other) : body,
    })
    let text = await response.text()
    if (incoming.url?.endsWith('datastore_info')) {
      const { result, ...envelope } = JSON.parse(text)
      const key: string[] = result?.meta?.primary_key ?? []
      // As CKAN 2.11 tells a key.
      if (result?.meta) delete result.meta.primary_key
      for (const field of result?.fields ?? []) field.schema.uniquekey = key.includes(field.id)
      text = JSON.stringify({ ...envelope, result })
    }
    outgoing.writeHead(response.status, { 'Content-Type': 'application/json' }).end(text)
  })
  await new Promise<void>((resolve) => ckan.listen(0, '127.0.0.1', resolve))
  ckanUrl = `http://127.0.0.1:${(ckan.address() as AddressInfo).port}`

  const fields = [
    { id: 'code', type: 'text', info: { label: 'Code', notes: 'größe' } },
    { id: 'amount', type: 'numeric' },
    { id: 'at', type: 'timestamp' },
    { id: 'tags', type: '_text' },
    { id: 'more', type: 'json' },
  ]
  await act(from, 'create', { resource_id: 'trees', fields, primary_key: ['code'], aliases: ['woods', 'forest'] })
  const records = Array.from({ length: ROWS }, (_, row) => ({
    code: String(row).padStart(5, '0'),
    amount: row % 7 === 0 ? null : `${row}.12345678901234567`,
    at: row % 5 === 0 ? null : '2020-01-02T03:04:05.123456',
    tags: row % 3 === 0 ? ['a', ''] : null,
    more: { n: row },
  }))
  await act(from, 'upsert', { resource_id: 'trees', method: 'insert', records })
  // Ids with gaps, as tables that were edited have them.
  await act(from, 'records_delete', { resource_id: 'trees', filters: { code: ['00003', '00007'] } })
  await act(from, 'create', { resource_id: 'empty', fields: [{ id: 'a', type: 'int' }] })
  to = await open('to')
}, 60_000)
afterAll(async () => {
  ckan.closeAllConnections()
  ckan.close()
  await from.close(0)
  await to.close(0)
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  failAfter = Number.POSITIVE_INFINITY
  asked = []
  instead = undefined
  for (const { id } of await to.service.engine.list({ limit: 10 }))
    await to.service.engine.delete({ id, what: 'table' })
})

const importCkan = (...args: string[]) =>
  runCommand(['import-ckan', '--url', ckanUrl, '--token', 'ckan-token', '--to', to.url, ...args], { cwd: folder })

/** The rows, as text: not a digit may be lost. */
const rowsOf = async (server: Running) => {
  const answer = await act(server, 'search', {
    resource_id: 'trees',
    fields: 'code,amount,at,tags,more',
    sort: 'code',
    limit: 32_000,
  })
  return answer.text.slice(answer.text.indexOf('"records"'))
}

describe('import-ckan', () => {
  test('copies tables, dictionaries, keys and aliases, and every digit', async () => {
    const { code, stdout, stderr } = await importCkan()
    expect([code, stdout.split('\n').sort()]).toEqual([0, ['', '2 tables', 'empty: 0 rows', `trees: ${ROWS - 2} rows`]])
    expect(stderr).not.toContain('ckan-token')
    expect(asked.every((line) => line.endsWith(' ckan-token'))).toBe(true)
    const [original, copy] = [await rowsOf(from), await rowsOf(to)]
    expect(copy === original).toBe(true)
    expect(copy).toContain('10999.12345678901234567')
    const { result } = await act(to, 'info', { id: 'forest' })
    expect(result.meta).toMatchObject({ id: 'trees', aliases: ['woods', 'forest'], primary_key: ['code'] })
    expect(result.fields[0]).toMatchObject({ id: 'code', type: 'text', info: { label: 'Code', notes: 'größe' } })
  })

  test('goes on where it broke off', { timeout: 60_000 }, async () => {
    failAfter = 1
    const broken = await importCkan('--resource', 'trees')
    expect(broken).toMatchObject({ code: 1, stderr: expect.stringMatching(/1 of 1 tables were not copied/) })
    expect((await act(to, 'search', { resource_id: 'trees', limit: 0 })).result.total).toBe(500)
    failAfter = Number.POSITIVE_INFINITY
    expect(await importCkan('--resource', 'trees')).toMatchObject({
      code: 0,
      stdout: `trees: ${ROWS - 2} rows (500 were there)\n1 tables\n`,
    })
    expect((await rowsOf(to)) === (await rowsOf(from))).toBe(true)
  })

  test('a table of that name with other columns stays, and the others are copied', async () => {
    await act(to, 'create', { resource_id: 'trees', records: [{ other: 1 }] })
    const { code, stdout, stderr } = await importCkan('--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ copied: [{ id: 'empty' }], failed: [{ id: 'trees' }] })
    expect(stderr).toContain('trees: there is a table of this name with other columns. It stays as it is.')
  })

  describe('a table that is there', () => {
    const columns = async (primary_key: string[] = ['code']) => {
      const { result } = await act(from, 'info', { id: 'trees' })
      const fields = result.fields.map(({ id, type }: { id: string; type: string }) => ({ id, type }))
      await act(to, 'create', { resource_id: 'trees', fields, primary_key })
    }
    const total = async () => (await act(to, 'search', { resource_id: 'trees', limit: 0 })).result.total

    test("whose first row is not CKAN's stays as it is", async () => {
      await columns()
      await act(to, 'upsert', { resource_id: 'trees', method: 'insert', records: [{ code: 'mine' }] })
      const { code, stderr } = await importCkan('--resource', 'trees')
      expect(code).toBe(1)
      expect(stderr).toMatch(/trees: row 0 of the table here is not CKAN's \(column "code"\).*delete it here/)
      expect(await total()).toBe(1)
    })

    test('whose last row was changed, or one in between removed, stays as it is', async () => {
      await importCkan('--resource', 'trees')
      await act(to, 'upsert', { resource_id: 'trees', method: 'update', records: [{ code: '10999', more: { n: -1 } }] })
      expect((await importCkan('--resource', 'trees')).stderr).toMatch(/row 10997 .*\(column "more"\)/)
      await act(to, 'records_delete', { resource_id: 'trees', filters: { code: '04000' } })
      expect(await importCkan('--resource', 'trees')).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/is not CKAN's/),
      })
      expect(await total()).toBe(ROWS - 3)
    })

    test('with another key stays as it is', async () => {
      await columns([])
      expect((await importCkan('--resource', 'trees')).stderr).toContain(
        'there is a table of this name with another key',
      )
    })

    test('and whole is told so, also by a CKAN that gives few rows at once', async () => {
      await importCkan('--resource', 'trees')
      instead = (action, body) =>
        action === 'search' ? { ...body, limit: Math.min(Number(body.limit), 300) } : undefined
      expect((await importCkan('--resource', 'trees')).stdout).toBe(
        `trees: ${ROWS - 2} rows (${ROWS - 2} were there)\n1 tables\n`,
      )
    })
  })

  const isOf =
    (name: string, answer: string) =>
    (action: string, { id, resource_id }: Record<string, unknown>) =>
      action === name && [id, resource_id].includes('trees') ? answer : undefined
  const odd: [string, NonNullable<typeof instead>, RegExp][] = [
    ['success: false', isOf('info', '{"success":false}'), /trees: The server answered 200/],
    ['no result', isOf('info', '{"success":true}'), /trees: The answer of .* \(datastore_info\) is not an action's/],
    [
      'no fields',
      isOf('info', '{"success":true,"result":{}}'),
      /trees: the answer to datastore_info does not have fields/,
    ],
    ['HTML', isOf('info', '<html>come back later</html>'), /not an action's: "<html>come back/],
    [
      'records as text',
      isOf('search', '{"success":true,"result":{"records":"a,b"}}'),
      /trees: the answer to datastore_search does not have records as objects/,
    ],
    [
      'rows without _id',
      isOf('search', '{"success":true,"result":{"records":[{"code":"a"}]}}'),
      /trees: CKAN does not give its rows one after the other/,
    ],
    [
      'an offset that nobody heeds',
      (action, body) => (action === 'search' && body.resource_id === 'trees' ? { ...body, offset: 0 } : undefined),
      /trees: CKAN does not give its rows one after the other by _id/,
    ],
  ]
  for (const [what, answers, sentence] of odd) {
    test(`an odd answer is told, and the other tables are copied: ${what}`, { timeout: 60_000 }, async () => {
      instead = answers
      const { code, stdout, stderr } = await importCkan()
      expect(stderr).toMatch(sentence)
      expect(stderr).toContain('1 of 2 tables were not copied')
      expect(stderr).not.toMatch(/^\s+at /m)
      expect([code, stdout]).toEqual([1, 'empty: 0 rows\n'])
    })
  }

  test('a list of tables that never ends', async () => {
    instead = (_, body) => (body.resource_id === '_table_metadata' ? { ...body, offset: 0 } : undefined)
    expect(await importCkan()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^_table_metadata: CKAN does not give its rows/m),
    })
  })

  test('a CKAN that does not answer is not waited for, and after three tables given up', async () => {
    instead = () => 'silence'
    const { code, stderr } = await importCkan('--resource', 'a,b,c,d', '--timeout', '0.2')
    expect(code).toBe(1)
    expect(stderr).toMatch(/No answer from .* to datastore_info within 0.2 seconds \(--timeout\)\. Asking again\./)
    expect(stderr).toContain('3 of 4 tables were not copied, and 1 not tried')
    expect(await importCkan('--timeout', 'soon')).toMatchObject({ code: 2 })
  })

  test('--resource with commas that part nothing', async () => {
    const { stdout } = await importCkan('--resource', ',empty, ,empty,')
    expect(stdout).toBe('empty: 0 rows\n1 tables\n')
    expect(await importCkan('--resource', ' , ')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--resource names no table/),
    })
  })

  test('a server that wants it slower is obeyed', { timeout: 60_000 }, async () => {
    const env = { AUTH_TYPE: 'anonymous', PORT: '0', RATE_LIMIT_REQUESTS: '1', RATE_LIMIT_SECONDS: '1' }
    const slow = await serve({
      env: { ...env, DUCKDB_PATH: join(folder, 'slow') },
      logger: createLogger({ logLevel: 'CRITICAL' }, () => {}),
    })
    try {
      const said = await importCkan('--resource', 'empty', '--to', slow.url)
      expect(said).toMatchObject({ code: 0, stdout: 'empty: 0 rows\n1 tables\n' })
    } finally {
      await slow.close(0)
    }
  })

  test('rows that are too large for one request together', async () => {
    const fields = [
      { id: 'n', type: 'int' },
      { id: 'text', type: 'text' },
    ]
    const records = Array.from({ length: 700 }, (_, n) => ({ n, text: 'x'.repeat(n < 600 ? 4000 : 40_000) }))
    await act(from, 'create', { resource_id: 'large', fields, records })
    const small = await serve({
      env: { DUCKDB_PATH: join(folder, 'small'), AUTH_TYPE: 'anonymous', PORT: '0', MAX_REQUEST_BODY_MB: '1' },
      logger: createLogger({ logLevel: 'CRITICAL' }, () => {}),
    })
    try {
      const said = await importCkan('--resource', 'large', '--to', small.url)
      expect(said).toMatchObject({ code: 0, stdout: 'large: 700 rows\n1 tables\n' })
      const { result } = await act(small, 'search', { resource_id: 'large', fields: 'n', limit: 1000, sort: '_id' })
      expect(result.records.map(({ n }: { n: number }) => n)).toEqual(records.map(({ n }) => n))
    } finally {
      await small.close(0)
      await from.service.engine.delete({ id: 'large', what: 'table' })
    }
  })

  test('counts that differ are told', async () => {
    await importCkan('--resource', 'trees')
    await act(to, 'upsert', { resource_id: 'trees', method: 'insert', records: [{ code: 'more' }] })
    expect(await importCkan('--resource', 'trees')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`CKAN has ${ROWS - 2} rows and the copy ${ROWS - 1}`),
    })
  })

  test('a table that CKAN does not have, and no CKAN', async () => {
    expect((await importCkan('--resource', 'nothing')).stderr).toMatch(/^nothing: The server answered 404/m)
    expect(await runCommand(['import-ckan'], { cwd: folder })).toMatchObject({ code: 2 })
  })
})
