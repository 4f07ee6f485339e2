import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DatastoreError } from '../../../src/core/errors.ts'
import { reasonWithoutBigquery } from '../../services/bigquery.ts'
import type { Fault } from '../../services/proxy.ts'
import { Kit } from '../../suites/engine/kit.ts'
import { openBigquery } from './open.ts'

const COLUMNS = { k: 'int', v: 'text' }

/** What may become of a request; `times` beyond what is tried again. Those that are tried again take their time. */
const faults: Record<string, Omit<Fault, 'match'>> = {
  'refused: quota': { status: 403, reason: 'quotaExceeded', times: 20 },
  'done, and its answer lost': { how: 'lost', times: 1 },
  ...(process.env.FULL !== undefined && {
    'answered 500': { status: 500, reason: 'backendError', times: 20 },
    'answered 503 once': { status: 503, reason: 'backendError', times: 1 },
    'cut once': { how: 'cut', times: 1 },
  }),
}

describe.skipIf(reasonWithoutBigquery() !== undefined)('a failing Google', () => {
  let opened: Awaited<ReturnType<typeof openBigquery>>
  const kit = new Kit(() => opened.engine)
  beforeAll(async () => {
    opened = await openBigquery()
  }, 60_000)
  afterAll(() => opened?.close())

  const writes: Record<string, (id: string) => Promise<unknown>> = {
    upsert: (id) =>
      kit.upsert(id, [
        { k: 1, v: 'changed' },
        { k: 3, v: 'new' },
      ]),
    'delete rows': (id) => kit.deleteRows(id, { k: 1 }),
    'new column': (id) => kit.create(id, { ...COLUMNS, late: 'date' }, { records: [{ k: 9 }] }),
  }

  for (const [name, write] of Object.entries(writes)) {
    for (const [kind, fault] of Object.entries(faults)) {
      test(`${name}: each request in turn ${kind}`, { timeout: 120_000 }, async () => {
        for (let turn = 0; ; turn += 1) {
          const id = await kit.make(
            COLUMNS,
            [
              { k: 1, v: 'a' },
              { k: 2, v: 'b' },
            ],
            { key: ['k'] },
          )
          const before = await kit.rows(id)
          let seen = 0
          opened.services.bigquery.fail({ ...fault, match: () => seen++ >= turn })
          const outcome = await write(id).then(
            () => undefined,
            (error: unknown) => error,
          )
          opened.services.bigquery.heal()
          const reached = seen > turn
          // Whoever failed says so in terms of the API, and nothing of Google's words.
          if (outcome !== undefined) {
            expect(outcome).toBeInstanceOf(DatastoreError)
            expect((outcome as DatastoreError).status).toBe(503)
          }
          // All of it or nothing, count and rows agree, and the next write goes well.
          const rows = await kit.rows(id)
          if (outcome !== undefined && !/look before/.test(String(outcome))) expect(rows).toEqual(before)
          if (outcome === undefined) expect(rows).not.toEqual(before)
          await kit.upsert(id, [{ k: 50, v: 'after' }])
          const { total, text } = await kit.search(id)
          expect(total).toBe((JSON.parse(`[${text}]`) as unknown[]).length)
          const ids = (await kit.rows(id)).map(({ _id }) => _id)
          expect(new Set(ids).size).toBe(ids.length)
          expect(await kit.counted(id)).toBe(total)
          await opened.discard?.([id])
          if (!reached) break
        }
      })
    }
  }

  test('a create that fails at any request leaves no table behind', { timeout: 120_000 }, async () => {
    for (let turn = 0; ; turn += 1) {
      let seen = 0
      opened.services.bigquery.fail({ status: 403, reason: 'quotaExceeded', times: 20, match: () => seen++ >= turn })
      const id = `made-${turn}`
      const outcome = await kit.create(id, COLUMNS, { records: [{ k: 1, v: 'a' }] }).catch((error: unknown) => error)
      opened.services.bigquery.heal()
      const failed = outcome instanceof Error
      const isThere = (await opened.engine.describe(id)) !== undefined
      if (!/look before/.test(String(outcome))) expect(isThere).toBe(!failed)
      if (!isThere) await kit.create(id, COLUMNS, { records: [{ k: 1, v: 'a' }] })
      expect(await kit.rows(id)).toEqual([{ _id: 1, k: 1, v: 'a' }])
      await opened.engine.delete({ id, what: 'table' })
      if (seen <= turn) break
    }
  })

  test('credentials that are no longer good: 503, and a word in the log alone', async () => {
    const id = await kit.make(COLUMNS, [{ k: 1, v: 'a' }])
    opened.services.bigquery.fail({
      match: /queries/,
      status: 401,
      reason: 'authError',
      message: 'token of robot@x expired',
      times: 5,
    })
    const error = await kit.rows(id).catch((failure: unknown) => failure)
    opened.services.bigquery.heal()
    expect(error).toMatchObject({ status: 503 })
    expect(String(error)).not.toContain('robot')
  })
})
