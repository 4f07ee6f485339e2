import { gunzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createDatastore, type Datastore } from '../../../src/app.ts'
import { readConfig } from '../../../src/core/config.ts'
import { createLogger } from '../../../src/core/log.ts'
import { toRequest } from '../../fixtures/datastore.ts'
import { unzip } from '../../fixtures/unzip.ts'
import { type BigqueryServices, reasonWithoutBigquery, startBigquery } from '../../services/bigquery.ts'
import { serviceAccount } from '../../services/credentials.ts'
import { readParquet } from '../../suites/engine/parquet.ts'
import { kept } from '../../suites/engine/values.ts'
import { settingsFor } from './open.ts'

const reason = reasonWithoutBigquery()

/** The emulator's BIGNUMERIC has fewer digits than these. */
const beyondTheEmulator = ['numeric(38,0)', 'numeric(38,30)']
const types = Object.entries(kept).filter(([type]) => !beyondTheEmulator.includes(type))
const fields = [...types.map(([type], index) => ({ id: `${type} ${index}`, type })), { id: 'a, ü', type: 'text' }]
const rows = Math.max(...types.map(([, values]) => values.length))

/** One column a type, and in each row another of its values. */
function recordsText(): string {
  const records = Array.from({ length: rows }, (_, row) => {
    const cells = types.map(([type, values], index) => {
      const [given] = values[row % values.length] as (typeof values)[number]
      return `${JSON.stringify(`${type} ${index}`)}:${given}`
    })
    return `{${cells.join(',')}}`
  })
  return `[${records.join(',')}]`
}

describe.skipIf(reason)(`downloads of bigquery${reason ? `: ${reason}` : ''}`, () => {
  let services: BigqueryServices
  /** With a bucket and keys that sign. */
  let signing: Datastore
  /** With a bucket and without keys. */
  let proxying: Datastore
  /** Without a bucket. */
  let streaming: Datastore

  beforeAll(async () => {
    services = await startBigquery({ strict: true })
    const env = { ...settingsFor(services), AUTH_TYPE: 'anonymous', LOG_LEVEL: 'CRITICAL' }
    const keys = { BIGQUERY_CREDENTIALS: serviceAccount('rw'), BIGQUERY_CREDENTIALS_RO: serviceAccount('ro') }
    signing = await createDatastore({ env: { ...env, ...keys } })
    proxying = await createDatastore({ env })
    const { BIGQUERY_EXPORT_BUCKET: _none, ...withoutBucket } = env as Record<string, string>
    streaming = await createDatastore({ env: withoutBucket })
    const body = `{"resource_id":"types","fields":${JSON.stringify(fields)},"records":${recordsText()}}`
    const made = await signing.fetch(toRequest(`POST /api/3/action/datastore_create ${body}`))
    expect([made.status, made.ok ? '' : await made.text()]).toEqual([200, ''])
    await post('create', {
      resource_id: 'trees',
      fields: ['species', 'height'].map((id) => ({ id, type: id === 'height' ? 'numeric' : 'text' })),
      records: ['oak', 'elm', 'ash, old'].map((species, index) => ({ species, height: index + 0.5 })),
    })
  }, 300_000)
  afterAll(async () => {
    await signing?.close()
    await proxying?.close()
    await streaming?.close()
    await services?.close()
  })
  afterEach(() => {
    services.bigquery.rules.shards = undefined
    services.gcs.heal()
  })

  async function post(action: string, body: object): Promise<void> {
    const response = await signing.fetch(toRequest(`POST /api/3/action/datastore_${action} ${JSON.stringify(body)}`))
    expect([response.status, response.ok ? '' : await response.text()]).toEqual([200, ''])
  }
  const get = (query: string, from = signing) => from.fetch(toRequest(`GET /datastore/dump/${query}`))

  /** The file, wherever it is, and whether the client was sent there. */
  async function download(query: string, from = signing): Promise<{ sent: boolean; text: string }> {
    const response = await get(query, from)
    const sent = response.status === 302
    const file = sent ? await fetch(response.headers.get('location') as string) : response
    expect([file.status, file.ok ? '' : await file.text()]).toEqual([200, ''])
    return { sent, text: Buffer.from(await file.arrayBuffer()).toString('latin1') }
  }

  test.each([
    ['csv', 1],
    ['csv', 3],
    ['ndjson', 1],
    ['ndjson', 3],
  ])('%s of every type, of %i files: to the byte what a stream gives', async (format, shards) => {
    services.bigquery.rules.shards = shards
    await post('upsert', { resource_id: 'types', method: 'insert', records: [{}] })
    const streamed = await download(`types?format=${format}`, streaming)
    expect(streamed.sent).toBe(false)
    expect(await download(`types?format=${format}`)).toEqual({ sent: true, text: streamed.text })
  })

  test.each(['csv', 'ndjson', 'csv&bom=true', 'gzip'])('a table without rows, %s', async (format) => {
    await post('create', { resource_id: 'empty', fields: [{ id: 'a', type: 'int' }] })
    const { text } = await download(`empty?format=${format}`, streaming)
    expect((await download(`empty?format=${format}`, proxying)).text).toBe(text)
    expect((await download(`empty?format=${format}`)).text).toBe(text)
  })

  const lines = '1,oak,0.5\n2,elm,1.5\n3,"ash, old",2.5\n'
  const csv = `_id,species,height\r\n${lines}`

  test('who can not be sent to the file gets its bytes; a mark, and gzip, are put around them', async () => {
    expect(await download('trees', proxying)).toEqual({ sent: false, text: csv })
    expect(await download('trees')).toEqual({ sent: true, text: csv })
    expect(await download('trees?bom=true')).toEqual({ sent: false, text: `\xef\xbb\xbf${csv}` })
    const { sent, text } = await download('trees?format=gzip')
    expect([sent, gunzipSync(Buffer.from(text, 'latin1')).toString()]).toEqual([false, csv])
  })

  test.each([
    ['trees?filters={"species":"elm"}', '_id,species,height\r\n2,elm,1.5\n'],
    ['trees?fields=species&limit=1', 'species\r\noak\n'],
    [
      'trees?format=tsv',
      csv.replaceAll('"', '').replace('ash, old', 'ash! old').replaceAll(',', '\t').replace('!', ','),
    ],
  ])('%s is streamed', async (query, text) => {
    services.bigquery.requests.splice(0)
    expect(await download(query)).toEqual({ sent: false, text })
    expect(services.bigquery.statements().filter(({ sql }) => sql.startsWith('EXPORT'))).toEqual([])
  })

  test('an unchanged table is exported once; a changed one again, and the old file is gone', async () => {
    const exports = () => services.bigquery.statements().filter(({ sql }) => sql.startsWith('EXPORT')).length
    await post('create', { resource_id: 'once', fields: [{ id: 'v', type: 'text' }], records: [{ v: 'a' }] })
    services.bigquery.requests.splice(0)
    const first = await Promise.all([signing, signing, proxying, proxying].map((from) => download('once', from)))
    expect(new Set(first.map(({ text }) => text))).toEqual(new Set(['_id,v\r\n1,a\n']))
    await download('once')
    expect(exports()).toBe(1)
    const old = (await get('once')).headers.get('location') as string
    await post('upsert', { resource_id: 'once', method: 'insert', records: [{ v: 'b' }] })
    expect((await download('once')).text).toBe('_id,v\r\n1,a\n2,b\n')
    expect([exports(), (await fetch(old)).status]).toEqual([2, 404])
  })

  test('parquet of several files: 413 that says what to do, and one zip file of them', async () => {
    services.bigquery.rules.shards = 3
    const refused = await get('trees?format=parquet')
    expect([refused.status, await refused.json()]).toMatchObject([413, { error: { message: /parts=zip/ } }])
    const response = await get('trees?format=parquet&parts=zip')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': 'attachment; filename="trees.zip"',
    })
    const file = new Uint8Array(await response.arrayBuffer())
    expect(response.headers.get('content-length')).toBe(String(file.length))
    const files = await unzip(file)
    expect([...files.keys()]).toEqual(['trees-1.parquet', 'trees-2.parquet', 'trees-3.parquet'])
    const rows = await Promise.all([...files.values()].map(readParquet))
    expect(rows.flat().map(({ species }) => species)).toEqual(['oak', 'elm', 'ash, old'])
  })

  test('a bucket that is not there is a 503, and a line in the log says what it is', async () => {
    const log: string[] = []
    const { config } = readConfig({ ...settingsFor(services), AUTH_TYPE: 'anonymous', BIGQUERY_EXPORT_BUCKET: 'gone' })
    const logger = createLogger(config, (record) => log.push(JSON.stringify(record)))
    const lost = await createDatastore({
      env: { ...settingsFor(services), AUTH_TYPE: 'anonymous', BIGQUERY_EXPORT_BUCKET: 'gone' },
      logger,
    })
    const response = await get('trees', lost)
    await lost.close()
    expect([response.status, await response.json()]).toMatchObject([503, { error: { __type: 'Service Unavailable' } }])
    expect(log.join('\n')).toMatch(/bucket gone/)
  })

  describe('of SQL results', () => {
    const sql = 'SELECT species, height, height > 1 AS tall FROM trees ORDER BY height DESC'
    const query = (more: Record<string, string>) => `query?${new URLSearchParams({ sql, ...more })}`
    const results: [format: string, text: string][] = [
      ['csv', 'species,height,tall\r\n"ash, old",2.5,t\nelm,1.5,t\noak,0.5,f\n'],
      ['tsv', 'species\theight\ttall\r\nash, old\t2.5\tt\nelm\t1.5\tt\noak\t0.5\tf\n'],
      [
        'ndjson',
        '{"species":"ash, old","height":2.5,"tall":true}\n{"species":"elm","height":1.5,"tall":true}\n{"species":"oak","height":0.5,"tall":false}\n',
      ],
      [
        'json',
        '{\n  "fields": [{"id":"species","type":"text"},{"id":"height","type":"numeric"},{"id":"tall","type":"bool"}],\n  "records": [\n    ["ash, old",2.5,true],\n    ["elm",1.5,true],\n    ["oak",0.5,false]\n]}\n',
      ],
    ]
    test.each(results)('%s', async (format, text) => {
      expect(await download(query({ format }))).toEqual({ sent: false, text })
      const { headers } = await get(query({ format }))
      expect(headers.get('content-disposition')).toBe(`attachment; filename="query.${format}"`)
    })

    test('parquet, under the credential that reads', async () => {
      services.bigquery.requests.splice(0)
      const { sent, text } = await download(query({ format: 'parquet' }))
      expect(sent).toBe(true)
      const wanted = [2.5, 1.5, 0.5].map((height) => expect.objectContaining({ height }))
      expect(await readParquet(Buffer.from(text, 'latin1'))).toEqual(wanted)
      const [statement] = services.bigquery.statements().filter(({ sql }) => sql.startsWith('EXPORT'))
      expect(statement?.account).toBe('ro')
      const files = await unzip(
        Buffer.from((await download(query({ format: 'parquet', parts: 'zip' }))).text, 'latin1'),
      )
      expect([...files.keys()]).toEqual(['query.parquet'])
      expect((await get(query({ format: 'parquet' }), streaming)).status).toBe(501)
    })

    test('no statement gets past the gate, or over the budget', async () => {
      for (const hostile of [
        'DELETE FROM trees WHERE true',
        'SELECT * FROM EXTERNAL_QUERY("a", "b")',
        'SELECT 1; SELECT 2',
      ])
        expect((await get(`query?${new URLSearchParams({ sql: hostile })}`)).status).toBeGreaterThanOrEqual(403)
      const missing = await get(`query?${new URLSearchParams({ sql: 'SELECT * FROM "no-such-table"' })}`)
      expect(missing.status).toBe(404)
    })

    test('no more rows than SQL_DOWNLOAD_ROWS_MAX', async () => {
      const env = {
        ...settingsFor(services),
        AUTH_TYPE: 'anonymous',
        SQL_DOWNLOAD_ROWS_MAX: '2',
        LOG_LEVEL: 'CRITICAL',
      }
      const small = await createDatastore({ env })
      for (const format of ['csv', 'parquet']) expect((await get(query({ format }), small)).status).toBe(413)
      await small.close()
    })
  })
})
