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
    const response = await fetch(from.url + incoming.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Connection: 'close' },
      body,
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
  ckan.close()
  await from.close(0)
  await to.close(0)
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  failAfter = Number.POSITIVE_INFINITY
  asked = []
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
