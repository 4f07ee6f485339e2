import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Bytes } from '../../../src/infrastructure/engines/engine.ts'
import type { Kit, Row } from './kit.ts'
import { textOf } from './kit.ts'

const COLUMNS = { k: 'int', v: 'text', n: 'numeric' }

const record = fc.record(
  {
    k: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 8 }) }, { weight: 1, arbitrary: fc.constant(null) }),
    v: fc.option(fc.constantFrom('', 'a', 'b,"c"', 'ü\n')),
    n: fc.option(fc.constantFrom(0, 1, -2.5, 0.0625, 1e6)),
  },
  { requiredKeys: ['k'] },
)

const step = fc.oneof(
  fc.record({
    do: fc.constantFrom('upsert' as const, 'insert' as const, 'update' as const),
    records: fc.array(record, { maxLength: 6 }),
  }),
  fc.record({ do: fc.constant('delete' as const), keys: fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 3 }) }),
  fc.record({ do: fc.constant('download' as const) }),
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
type Write = Exclude<Step, { do: 'download' }>

/** What a table with the key `k` should hold, by the plainest rules. */
class Model {
  rows: Row[] = []
  nextId = 1

  /** False: the call is refused and nothing changes. */
  apply(given: Write): boolean {
    const saved = { rows: this.rows.map((row) => ({ ...row })), nextId: this.nextId }
    const done =
      given.do === 'delete' ? this.remove(given.keys) : given.records.every((values) => this.put(given.do, values))
    if (!done) Object.assign(this, saved)
    return done
  }

  stored(): Row[] {
    return [...this.rows].sort((a, b) => Number(a._id) - Number(b._id)).map((row) => ({ ...row }))
  }

  private remove(keys: number[]): boolean {
    this.rows = this.rows.filter(({ k }) => !keys.includes(k as number))
    return true
  }

  private put(method: 'upsert' | 'insert' | 'update', values: Row): boolean {
    const stored = values.k === null ? undefined : this.rows.find(({ k }) => k === values.k)
    if (method === 'insert' ? stored : method === 'update' && !stored) return false
    if (stored) Object.assign(stored, values)
    else this.rows.push({ _id: this.nextId++, k: null, v: null, n: null, ...values })
    return true
  }
}

export function model(kit: Kit): void {
  test('any sequence of writes leaves what a list of rows would hold, and a download what it held when that began', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const id = await kit.make(COLUMNS, [], { key: ['k'] })
        const expected = new Model()
        const downloads: { rows: Row[]; stream: Bytes }[] = []
        for (const given of steps) {
          if (given.do === 'download') {
            downloads.push({ rows: expected.stored(), stream: await kit.openDump(id, 'ndjson') })
            continue
          }
          const call =
            given.do === 'delete'
              ? kit.deleteRows(id, { k: given.keys })
              : kit.upsert(id, given.records, { method: given.do })
          const done = await call.then(
            () => true,
            (error: { status?: number }) => (error.status === 409 ? false : Promise.reject(error)),
          )
          expect(done).toBe(expected.apply(given))
          expect(await kit.rows(id)).toEqual(expected.stored())
          expect((await kit.table(id)).count).toBe(expected.rows.length)
        }
        expect(await kit.counted(id)).toBe(expected.rows.length)
        downloads.push({ rows: expected.stored(), stream: await kit.openDump(id, 'ndjson') })
        for (const { rows, stream } of downloads) {
          const lines = (await textOf(stream)).split('\n').slice(0, -1)
          expect(lines.map((line) => JSON.parse(line))).toEqual(rows)
        }
        await kit.engine.delete({ id, what: 'table' })
      }),
      { numRuns: Number(process.env.FULL ? 300 : 40), interruptAfterTimeLimit: 100_000 },
    )
  })
}
