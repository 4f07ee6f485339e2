import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type BigqueryServices, reasonWithoutBigquery, startBigquery } from './bigquery.ts'
import type { Account } from './credentials.ts'

const reason = reasonWithoutBigquery()

describe.skipIf(reason)(`the stand-ins for Google's services${reason ? `: ${reason}` : ''}`, () => {
  let services: BigqueryServices

  beforeAll(async () => {
    services = await startBigquery({ strict: true })
    await query('CREATE TABLE trees (a INT64)')
    await query('INSERT INTO trees VALUES (1), (2), (3)')
  }, 300_000)
  afterAll(() => services?.close())
  afterEach(() => {
    services.bigquery.heal()
    services.bigquery.rules.bytes = undefined
    services.bigquery.rules.shards = undefined
  })

  async function query(sql: string, options: Record<string, unknown> = {}, account: Account = 'rw') {
    const response = await fetch(`${services.url}/bigquery/v2/projects/${services.project}/queries`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${account}` },
      body: JSON.stringify({ query: sql, useLegacySql: false, ...dataset(), ...options }),
    })
    const body = (await response.json()) as { error?: { errors: { reason: string }[] }; totalBytesProcessed?: string }
    return { status: response.status, reason: body.error?.errors[0]?.reason, bytes: body.totalBytesProcessed }
  }
  const dataset = () => ({ defaultDataset: { projectId: services.project, datasetId: services.dataset } })

  async function modifiedTime(): Promise<number> {
    const { url, project, dataset } = services
    const response = await fetch(`${url}/bigquery/v2/projects/${project}/datasets/${dataset}/tables/trees`)
    return Number(((await response.json()) as { lastModifiedTime: string }).lastModifiedTime)
  }

  async function objects(prefix: string): Promise<string[]> {
    const listing = await fetch(`${services.gcsUrl}/storage/v1/b/${services.bucket}/o?prefix=${prefix}`)
    const { items = [] } = (await listing.json()) as { items?: { mediaLink: string }[] }
    return Promise.all(items.map(async ({ mediaLink }) => (await fetch(mediaLink)).text()))
  }

  const exportTo = (folder: string) =>
    query(
      `EXPORT DATA OPTIONS (uri='gs://${services.bucket}/${folder}/*.csv', format='CSV', header=true) AS SELECT a FROM trees ORDER BY a`,
    )

  test('statements are recorded with who ran them', async () => {
    await query('SELECT 1 AS one', { labels: { call: 'search' } }, 'ro')
    expect(services.bigquery.statements().at(-1)).toMatchObject({
      ...{ sql: 'SELECT 1 AS one', account: 'ro', dryRun: false, options: { labels: { call: 'search' } }, status: 200 },
    })
  })

  test.each(['INSERT INTO trees VALUES (4)', 'DROP TABLE trees', 'BEGIN SELECT 1; END'])(
    'the reading account may not run %s',
    async (sql) => expect(await query(sql, {}, 'ro')).toMatchObject({ status: 403, reason: 'accessDenied' }),
  )

  test('the reading account may read', async () => {
    expect((await query(' -- all\n(SELECT * FROM trees)', {}, 'ro')).status).toBe(200)
  })

  test('faults come as often as they were told, with or without the work being done', async () => {
    services.bigquery.fail({ match: /SELECT 7/, status: 503, reason: 'backendError', times: 2 })
    const seen = [await query('SELECT 7'), await query('SELECT 7'), await query('SELECT 7')]
    expect(seen.map(({ status }) => status)).toEqual([503, 503, 200])
    services.bigquery.fail({ match: /cut_one/, how: 'cut' })
    services.bigquery.fail({ match: /lost_one/, how: 'lost' })
    await expect(query('CREATE TABLE cut_one (a INT64)')).rejects.toThrow()
    await expect(query('CREATE TABLE lost_one (a INT64)')).rejects.toThrow()
    expect([(await query('SELECT * FROM cut_one')).status, (await query('SELECT * FROM lost_one')).status]).toEqual([
      404, 200,
    ])
  })

  test.each([
    'SELECT a::string FROM trees',
    "SELECT 'x' ILIKE 'X'",
    "SELECT * FROM read_csv('x')",
    'SELECT 1 AS by',
    'SELECT b FROM trees',
    'BEGIN BEGIN TRANSACTION; UPDATE trees SET b = 1 WHERE TRUE; EXCEPTION WHEN ERROR THEN ROLLBACK TRANSACTION; RAISE; END; COMMIT TRANSACTION;',
    'IF EXISTS (SELECT 1 FROM trees WHERE b = 1) THEN DROP TABLE trees; END IF;',
    "CREATE TABLE few AS SELECT a AS c FROM trees; SELECT a FROM few WHERE ';' <> ''",
  ])('what BigQuery refuses is refused: %s', async (sql) =>
    expect(await query(sql)).toMatchObject({ status: 400, reason: 'invalidQuery' }),
  )

  test.each([
    'SELECT SEARCH("a b", "a")',
    'SELECT t.a FROM `portal`.`trees` AS t',
    'DECLARE n INT64 DEFAULT 1; SELECT n',
    'CREATE TABLE many AS SELECT a AS c FROM trees; ALTER TABLE many ADD COLUMN d STRING; UPDATE many SET d = "x" WHERE c > 0; DROP TABLE many',
    'BEGIN BEGIN TRANSACTION; UPDATE trees SET a = a WHERE TRUE; ASSERT @@row_count > 0; EXCEPTION WHEN ERROR THEN ROLLBACK TRANSACTION; RAISE; END; COMMIT TRANSACTION;',
  ])('what it takes is taken: %s', async (sql) => expect((await query(sql)).status).toBe(200))

  test('bytes of a dry run are canned, and a limit on them holds', async () => {
    services.bigquery.rules.bytes = (sql) => sql.length
    expect(await query('SELECT 1', { dryRun: true })).toMatchObject({ status: 200, bytes: '8' })
    expect(await query('SELECT 1', { maximumBytesBilled: '7' })).toMatchObject({ reason: 'bytesBilledLimitExceeded' })
  })

  test('a write moves the time of change', async () => {
    const before = await modifiedTime()
    await query('UPDATE trees SET a = a WHERE TRUE')
    const after = await modifiedTime()
    expect(after).toBeGreaterThan(before)
    services.bigquery.touch('trees', after + 5000)
    expect(await modifiedTime()).toBe(after + 5000)
  })

  test('an export writes one file, or as many as it is told, without losing a row', async () => {
    await exportTo('one')
    services.bigquery.rules.shards = 2
    await exportTo('two')
    expect(await objects('one')).toEqual(['a\n1\n2\n3\n'])
    expect(await objects('two')).toEqual(['a\n1\n2\n', 'a\n3\n'])
  })
})
