import { Storage } from '@google-cloud/storage'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Bucket, type StoredObject } from '../../../src/infrastructure/engines/bigquery/bucket.ts'
import { convert } from '../../../src/infrastructure/engines/bigquery/convert.ts'
import { type Export, Exports } from '../../../src/infrastructure/engines/bigquery/export.ts'
import type { Dumped } from '../../../src/infrastructure/engines/engine.ts'
import { type BigqueryServices, reasonWithoutBigquery, startBigquery } from '../../services/bigquery.ts'
import { serviceAccount, TokenClient } from '../../services/credentials.ts'

const reason = reasonWithoutBigquery()

describe.skipIf(reason)(`exports through the bucket${reason ? `: ${reason}` : ''}`, () => {
  let services: BigqueryServices
  let storage: Storage
  let unsigned: Storage
  let statements = 0
  let version = 0

  beforeAll(async () => {
    services = await startBigquery()
    const { project, gcsUrl } = services
    storage = new Storage({ projectId: project, apiEndpoint: gcsUrl, credentials: JSON.parse(serviceAccount('rw')) })
    unsigned = new Storage({ projectId: project, apiEndpoint: gcsUrl, authClient: new TokenClient('rw') as never })
    await run('CREATE TABLE trees (a INT64, b STRING)')
    await run(`INSERT INTO trees SELECT n, CONCAT('tree "', n, '"') FROM UNNEST(GENERATE_ARRAY(1, 100)) AS n`)
  }, 300_000)
  afterAll(() => services?.close())
  beforeEach(() => {
    statements = 0
    version += 1
  })
  afterEach(() => {
    vi.useRealTimers()
    services.bigquery.rules.shards = undefined
    services.bigquery.heal()
    services.gcs.heal()
  })

  async function run(sql: string): Promise<void> {
    statements += 1
    const { url, project, dataset } = services
    const response = await fetch(`${url}/bigquery/v2/projects/${project}/queries`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer rw' },
      body: JSON.stringify({
        query: sql,
        useLegacySql: false,
        defaultDataset: { projectId: project, datasetId: dataset },
      }),
    })
    if (!response.ok) throw new Error(await response.text())
  }

  const process = (of = storage) => new Exports({ bucket: new Bucket(of.bucket(services.bucket)), run, urlHours: 1 })
  const file = { header: 'a,b\n', filename: 'trees.csv', contentType: 'text/csv' }
  const plainFile = { ...file, header: '' }
  const query = 'SELECT CAST(a AS STRING) AS a, b FROM trees ORDER BY trees.a'
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  const wanted = (changed: Partial<Export> = {}): Export => ({
    ...{ folder: 'trees', version: `v${version}`, format: 'csv', query, file },
    write: ({ a, b }) => `${[...(a ? [a] : []), quoted(String(b))].join(',')}\n`,
    ...changed,
  })
  const asNdjson: Partial<Export> = {
    format: 'ndjson',
    file: plainFile,
    write: ({ b }) => `${JSON.stringify({ b })}\n`,
  }
  const asParquet: Partial<Export> = { format: 'parquet', file: plainFile, write: undefined as never }
  const rows = Array.from({ length: 100 }, (_, index) => `${index + 1},"tree ""${index + 1}"""\n`).join('')

  async function textOf(dumped: Dumped): Promise<string> {
    if (dumped.kind === 'redirect') return (await fetch(dumped.url)).text()
    if (dumped.kind !== 'stream') throw new Error(`the dump came as ${dumped.kind}`)
    const text = await new Response(dumped.stream).text()
    expect(dumped.length).toBe(Buffer.byteLength(text))
    return text
  }

  test.each([1, 2, 40])('%i files become one, with one header, to which the client is sent', async (shards) => {
    services.bigquery.rules.shards = shards
    const dumped = await process().dump(wanted())
    expect(dumped.kind).toBe('redirect')
    expect(decodeURIComponent((dumped as { url: string }).url)).toContain('attachment; filename="trees.csv"')
    expect(await textOf(dumped)).toBe(`a,b\n${rows}`)
    const left = await new Bucket(storage.bucket(services.bucket)).list(`trees/v${version}/`)
    expect(left.map(({ name }) => name.replace(/^.*[/-]/, '')).sort()).toEqual(['.done', 'file'])
  })

  test('credentials that can not sign, and clients that can not be sent, get the rows as a stream', async () => {
    services.bigquery.rules.shards = 3
    const proxied = await process(unsigned).dump(wanted())
    expect(proxied.kind).toBe('stream')
    expect(await textOf(proxied)).toBe(rows)
    const kept = await process().dump(wanted({ file: undefined }))
    expect(await textOf(kept)).toBe(rows)
    expect(statements).toBe(1)
  })

  test('where composing is refused, one file is streamed after the other', async () => {
    services.bigquery.rules.shards = 3
    services.gcs.fail({ match: /\/compose/, status: 403, reason: 'forbidden', times: 10 })
    const dumped = await process().dump(wanted())
    expect(dumped.kind).toBe('stream')
    expect(await textOf(dumped)).toBe(rows)
  })

  test('ndjson has no header; parquet of one file is one', async () => {
    const ndjson = await textOf(await process().dump(wanted(asNdjson)))
    expect(ndjson.slice(0, 20)).toBe('{"b":"tree \\"1\\""}\n{')
    const parquet = await textOf(await process().dump(wanted(asParquet)))
    expect(parquet.slice(0, 4)).toBe('PAR1')
  })

  test('parquet of several files is too large', async () => {
    services.bigquery.rules.shards = 2
    const tooLarge = { kind: 'too large', hint: expect.stringContaining('parts=zip') }
    expect(await process().dump(wanted(asParquet))).toMatchObject(tooLarge)
    const dumped = await process().dump(wanted({ ...asParquet, parts: true }))
    expect(dumped).toMatchObject({ kind: 'parts', parts: [{}, {}] })
    for (const { length, open } of dumped.kind === 'parts' ? dumped.parts : []) {
      const part = new Uint8Array(await new Response(open()).arrayBuffer())
      expect([part.length, Buffer.from(part.subarray(0, 4)).toString()]).toEqual([length, 'PAR1'])
    }
    expect(statements).toBe(1)
  })

  test('more files than rows; no rows', async () => {
    services.bigquery.rules.shards = 4
    const two = await process().dump(wanted({ query: `SELECT * FROM (${query}) WHERE a IN ('1', '2')` }))
    expect(await textOf(two)).toBe(`a,b\n${rows.split('\n').slice(0, 2).join('\n')}\n`)
    for (const none of [wanted(), wanted(asNdjson)])
      expect(await textOf(await process().dump({ ...none, query: `${query} LIMIT 0` }))).toBe(none.file?.header)
  })

  test('who leaves need not wait; the export is there for the next who asks', async () => {
    const left = new AbortController()
    const gone = process().dump(wanted(), left.signal)
    setTimeout(() => left.abort(new Error('gone')), 50)
    await expect(gone).rejects.toThrow('gone')
    expect(await textOf(await process().dump(wanted()))).toBe(`a,b\n${rows}`)
    expect(statements).toBe(1)
  })

  test('a file that comes in part is none', async () => {
    const bucket = new Bucket(storage.bucket(services.bucket))
    await bucket.save('parts/rows', '{"a":"1"}\n', 'text/plain')
    const [source] = await bucket.list('parts/')
    const converted = (changed: Partial<StoredObject>) =>
      convert(bucket, [{ ...(source as StoredObject), ...changed }], {
        nameOf: () => 'parts/converted',
        contentType: 'text/plain',
        write: () => 'x\n',
      })
    await expect(converted({ bytes: 20 })).rejects.toThrow(/of 20 bytes/)
    expect(await bucket.list('parts/converted')).toEqual([])
    expect(await converted({})).toEqual([{ name: 'parts/converted', bytes: 2 }])
  })

  test('is made once, whoever asks: ten clients of two processes, and those who come later', async () => {
    const [one, other] = [process(), process()]
    const all = await Promise.all(Array.from({ length: 10 }, (_, index) => (index % 2 ? one : other).dump(wanted())))
    const texts = await Promise.all(all.map(textOf))
    expect(new Set(texts)).toEqual(new Set([`a,b\n${rows}`]))
    await process().dump(wanted())
    expect(statements).toBe(1)
  })

  test('a new version removes the others of its table, and no other table', async () => {
    const bucket = new Bucket(storage.bucket(services.bucket))
    await process().dump(wanted({ folder: 'trees2' }))
    await process().dump(wanted({ version: 'old' }))
    await process().dump(wanted(asNdjson))
    await process().dump(wanted({ version: 'new' }))
    expect(new Set((await bucket.list('trees/')).map(({ name }) => name.split('/')[1]))).toEqual(new Set(['new']))
    expect(await bucket.list('trees2/')).not.toEqual([])
  })

  test('an export that is still being made is not removed by a newer one', async () => {
    const bucket = new Bucket(storage.bucket(services.bucket))
    await bucket.claim('trees/slow/csv-1/.claimed', '')
    await bucket.save('trees/slow/csv-1/rows-1', 'x', 'text/csv')
    await process().dump(wanted())
    expect((await bucket.list('trees/slow/')).map(({ name }) => name)).toEqual([
      'trees/slow/csv-1/.claimed',
      'trees/slow/csv-1/rows-1',
    ])
    await bucket.remove(['trees/slow/csv-1/.claimed', 'trees/slow/csv-1/rows-1'])
  })

  test('another query is another export; another header is the same one, streamed', async () => {
    const [one, two] = [wanted(), wanted({ query: 'SELECT b FROM trees ORDER BY trees.a' })]
    expect(await textOf(await process().dump(one))).toBe(`a,b\n${rows}`)
    expect(await textOf(await process().dump(two))).not.toContain('\n1,')
    const marked = await process().dump(wanted({ file: { ...file, header: '\ufeffa,b\n' } }))
    expect(marked.kind).toBe('stream')
    expect(await textOf(marked)).toBe(rows)
    expect(statements).toBe(2)
  })

  test('a file that a rule of the bucket has removed is made again', async () => {
    const bucket = new Bucket(storage.bucket(services.bucket))
    await process().dump(wanted())
    const files = await bucket.list(`trees/v${version}/`)
    await bucket.remove(files.map(({ name }) => name).filter((name) => !name.endsWith('.done')))
    expect(await textOf(await process().dump(wanted()))).toBe(`a,b\n${rows}`)
    expect(statements).toBe(2)
  })

  test('who died while exporting holds nobody up for longer than five minutes', async () => {
    const bucket = new Bucket(storage.bucket(services.bucket))
    const made = process()
    await made.dump(wanted())
    const [{ name }] = (await bucket.list(`trees/v${version}/`)) as [StoredObject]
    const folder = name.slice(0, name.lastIndexOf('/') + 1)
    await bucket.remove((await bucket.list(folder)).map((file) => file.name))
    await bucket.claim(`${folder}.claimed`, '')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 6 * 60_000 })
    expect(await textOf(await process(unsigned).dump(wanted()))).toBe(rows)
    expect(statements).toBe(2)
  })

  test('a failed export leaves no claim: the next one is made', async () => {
    services.bigquery.fail({ match: /EXPORT DATA/, status: 503, reason: 'backendError' })
    await expect(process().dump(wanted())).rejects.toThrow(/backendError/)
    expect(await textOf(await process().dump(wanted()))).toBe(`a,b\n${rows}`)
  })
})
