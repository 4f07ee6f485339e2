import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  BigqueryFailure,
  NoAnswer,
  translateFailure,
  UnknownOutcome,
} from '../../../src/infrastructure/engines/bigquery/failures.ts'
import { reasonWithoutBigquery } from '../../services/bigquery.ts'
import { Kit } from '../../suites/engine/kit.ts'
import { behind } from './behind.ts'
import type { CallName, FaultName, WithPlace } from './failures.ts'
import { COLUMNS, calls, dumpFails, expectConsistent, failsWhole, RECORDS, stateOf } from './failures.ts'
import { openFailing } from './open.ts'

/** A few of what failures.full.ts runs whole: quick ones, which are not tried again. */
const chosen: [CallName, FaultName][] = [
  ['create: a new column', 'refused: quota'],
  ['upsert: old and new keys', 'refused: quota'],
  ['insert', 'done, and its answer lost'],
  ['load: other rows of other types', 'refused: quota'],
]

test('a write of which nobody knows the outcome is told so, whatever broke off', () => {
  for (const cause of [
    new NoAnswer(),
    new TypeError('fetch failed'),
    new BigqueryFailure({ reason: 'backendError' }),
  ]) {
    const unknown = new UnknownOutcome(cause)
    expect(translateFailure(unknown)).toBe(unknown)
  }
})

describe.skipIf(reasonWithoutBigquery() !== undefined)('a failing Google', () => {
  let opened: Awaited<ReturnType<typeof openFailing>>
  beforeAll(async () => {
    opened = await openFailing()
  }, 120_000)
  afterAll(() => opened?.close())

  const withPlace: WithPlace = (work) => work(opened)
  for (const [name, kind] of chosen) failsWhole(withPlace, name, kind)
  dumpFails(withPlace, 'refused: quota')

  const STOPPED = "ASSERT FALSE AS 'injected';"
  /** Changes the first script that has these words, once it is to run. Answers whether one came. */
  const changeScript = (words: string, change: (script: string) => string): (() => boolean) => {
    let isChanged = false
    opened.services.bigquery.fail({
      match: ({ body }) => {
        const { query } = (body?.configuration ?? {}) as { query?: { query: string } }
        if (isChanged || !query?.query.includes(words)) return false
        const changed = change(query.query)
        isChanged = changed !== query.query
        query.query = changed
        return false
      },
    })
    return () => isChanged
  }
  const countRows = async (kit: Kit, id: string) => (await kit.rows(id)).length
  const JOBS = /^POST \S*\/jobs(?:\?|\s|$)/

  test('a job whose start nobody answers is asked for: a write is done once, and told so', async () => {
    const kit = new Kit(() => opened.engine)
    const id = await kit.make({ v: 'text' }, [{ v: 'a' }])
    opened.services.bigquery.fail({ match: JOBS, how: 'lost', times: 99 })
    await kit.upsert(id, [{ v: 'b' }], { method: 'insert' })
    opened.services.bigquery.heal()
    expect(await countRows(kit, id)).toBe(2)
    await opened.discard?.([id])
  })

  test('a job that has failed is not told as one of which nobody knows', async () => {
    const kit = new Kit(() => opened.engine)
    const id = await kit.make({ v: 'text' }, [{ v: 'a' }])
    const fail = (match: RegExp, reason: string, status: number) =>
      opened.services.bigquery.fail({ match, reason, status, message: 'Access Denied: robot@x', times: 99 })
    fail(JOBS, 'accessDenied', 403)
    const refused = await kit.upsert(id, [{ v: 'b' }], { method: 'insert' }).catch((error: unknown) => error)
    opened.services.bigquery.heal()
    expect(refused).toMatchObject({ status: 503, message: 'BigQuery does not let this service do that.' })
    fail(/^GET \S*\/queries\//, 'accessDenied', 403)
    await kit.upsert(id, [{ v: 'b' }], { method: 'insert' })
    opened.services.bigquery.heal()
    expect(await countRows(kit, id)).toBe(2)
    await opened.discard?.([id])
  })

  const STALE = "ROLLBACK TRANSACTION;\nASSERT FALSE AS 'datastore:stale';"
  const survived: { title: string; words: string; change: (script: string) => string; work: CallName }[] = [
    {
      // Whoever meets another writer starts again.
      title: 'a transaction that Google has ended already: what failed first is what counts',
      words: 'BEGIN TRANSACTION;',
      change: (script) => script.replace('BEGIN TRANSACTION;', `BEGIN TRANSACTION;\n${STALE}`),
      work: 'upsert: old and new keys',
    },
    {
      title: 'a description that BigQuery does not take does not hold up the write, nor the next one',
      words: 'SET OPTIONS',
      change: (script) => script.replace(/ALTER TABLE [^;]+SET OPTIONS [^;]+;/, STOPPED),
      work: 'create: a title',
    },
  ]
  for (const { title, words, change, work } of survived) {
    test(title, async () => {
      const kit = new Kit(() => opened.engine)
      const id = await kit.make(COLUMNS, RECORDS, { key: ['k'] })
      const isChanged = changeScript(words, change)
      await calls[work](kit, id)
      opened.services.bigquery.heal()
      expect(isChanged()).toBe(true)
      await calls.insert(kit, id)
      await expectConsistent(opened.services, id)
      await opened.discard?.([id])
    })
  }

  test('a column that BigQuery keeps is emptied: SQL does not show what was deleted', async () => {
    const kit = new Kit(() => opened.engine)
    const id = await kit.make(COLUMNS, RECORDS, { key: ['k'] })
    const isChanged = changeScript('DROP COLUMN', (script) =>
      script.replace(/ALTER TABLE [^;]+DROP COLUMN [^;]+;/, STOPPED),
    )
    await calls['delete: a column'](kit, id)
    opened.services.bigquery.heal()
    expect(isChanged()).toBe(true)
    expect(await behind(opened.services, `SELECT v FROM \`${id}\``)).toEqual([[null], [null]])
    await expectConsistent(opened.services, id)
    await opened.discard?.([id])
  })

  test('a wider column that was not written: the old types come back, whoever ends the script', async () => {
    for (const change of [
      (script: string) => script.replace('BEGIN TRANSACTION;', `${STOPPED}\nBEGIN TRANSACTION;`),
      (script: string) => `${script.replace(/^BEGIN\n/, '').replace(/BEGIN\nBEGIN TRANSACTION;[\s\S]+$/, STOPPED)}`,
    ]) {
      const [kit, other] = [new Kit(() => opened.engine), new Kit(() => opened.other)]
      const id = await kit.make(COLUMNS, RECORDS, { key: ['k'] })
      const before = await stateOf(kit, id)
      const isChanged = changeScript('rewritten', change)
      await expect(calls['create: a wider column'](kit, id)).rejects.toThrow()
      opened.services.bigquery.heal()
      expect(isChanged()).toBe(true)
      expect(await stateOf(other, id)).toEqual(before)
      await calls['create: a wider column'](kit, id)
      expect((await stateOf(other, id))?.columns).toEqual(['k numeric', 'v text'])
      await opened.discard?.([id])
    }
  })

  const swaps: { title: string; change: (script: string) => string; isSwapped: boolean }[] = [
    {
      // The statement fails as a whole on BigQuery; the emulator would leave an empty table.
      title: 'rows of other types that can not be written: the definition and the old rows come back',
      change: (script) => script.replace(/CREATE OR REPLACE TABLE [^;]+;/, STOPPED),
      isSwapped: false,
    },
    {
      title: 'a swap that Google ends before the rows are there: the definition and the old rows come back',
      change: (script) => script.replace(/BEGIN\nCREATE OR REPLACE TABLE [\s\S]+$/, STOPPED),
      isSwapped: false,
    },
    {
      title: 'a swap that Google ends after the rows are there: they stay, and nobody has to wait for a lock',
      change: (script) => script.replace(/UPDATE [^;]+;$/, STOPPED),
      isSwapped: true,
    },
  ]
  for (const { title, change, isSwapped } of swaps) {
    test(title, { timeout: 120_000 }, async () => {
      const [kit, other] = [new Kit(() => opened.engine), new Kit(() => opened.other)]
      const id = await kit.make(COLUMNS, RECORDS, { key: ['k'] })
      const before = await stateOf(kit, id)
      const isChanged = changeScript('@before_definition', change)
      await expect(calls['load: other rows of other types'](kit, id)).rejects.toThrow()
      opened.services.bigquery.heal()
      expect(isChanged()).toBe(true)
      const after = await stateOf(kit, id)
      if (isSwapped) expect(after?.columns).toEqual(['k int', 'v date'])
      else expect(after).toEqual(before)
      expect(await stateOf(other, id)).toEqual(after)
      await expectConsistent(opened.services, id)
      await calls['load: other rows of other types'](kit, id)
      expect((await stateOf(other, id))?.columns).toEqual(['k int', 'v date'])
      await opened.discard?.([id])
    })
  }

  test('credentials that are no longer good: 503, and a word in the log alone', async () => {
    const kit = new Kit(() => opened.engine)
    const id = await kit.make({ k: 'int', v: 'text' }, [{ k: 1, v: 'a' }])
    const message = 'token of robot@x expired'
    opened.services.bigquery.fail({ match: /queries/, status: 401, reason: 'authError', message, times: 5 })
    const error = await kit.rows(id).catch((failure: unknown) => failure)
    opened.services.bigquery.heal()
    expect(error).toMatchObject({ status: 503 })
    expect(String(error)).not.toContain('robot')
  })
})
