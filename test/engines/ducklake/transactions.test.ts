import { expect, test } from 'vitest'
import type { Session } from '../../../src/infrastructure/engines/duckdb/client.ts'
import { Interrupted, isInterrupted, LostInstance } from '../../../src/infrastructure/engines/ducklake/failures.ts'
import { LakeTransactions } from '../../../src/infrastructure/engines/ducklake/lake-storage.ts'
import { SnapshotCache } from '../../../src/infrastructure/engines/ducklake/snapshot-cache.ts'

/** What becomes of a commit: `lost` is stored and not answered, `late` is stored when the next one comes. */
type Fate = 'stored' | 'lost' | 'late' | 'refused'

/** A lake whose connection breaks as it is told; each commit is known by its write id. */
function breakingLake(fates: readonly Fate[], lockFails: (tries: number) => unknown = () => undefined) {
  const stored: string[] = []
  const late: string[] = []
  let noted = ''
  let commits = 0
  let locks = 0
  const session = {
    async run(sql: string) {
      noted = /'([0-9a-f-]{36})'\)$/.exec(sql)?.[1] ?? noted
    },
    async row(sql: string) {
      if (sql.includes('current_snapshot')) return [7]
      const id = /write_id = '([^']+)'/.exec(sql)?.[1] as string
      return stored.includes(id) ? [1] : undefined
    },
    async transaction<T>(work: () => Promise<T>): Promise<T> {
      const result = await work()
      const fate = fates[commits++] ?? 'stored'
      const met = late.splice(0)
      stored.push(...met)
      // Two commits of one snapshot: the later one meets the other.
      if (met.length > 0) throw new Interrupted('a conflict')
      if (fate === 'refused') throw new TypeError('refused')
      if (fate === 'late') late.push(noted)
      else stored.push(noted)
      if (fate !== 'stored') throw new Interrupted('the connection broke')
      return result
    },
  }
  const lock = {
    async run<T>(work: () => Promise<T>): Promise<T> {
      const failure = lockFails(++locks)
      if (failure !== undefined) throw failure
      return work()
    },
  }
  const catalog = { stand: async () => ({ snapshot: 7 }) }
  const transactions = new LakeTransactions(catalog, lock as never, new SnapshotCache())
  const write = () =>
    transactions.run(
      session as unknown as Session,
      async () => 'done',
      () => [{ id: 't', revision: 2, committedAt: '' }],
      () => {},
    )
  return { write, stored }
}

const refusedByPostgres = Object.assign(new Error('sorry, too many clients already'), { code: '53300' })
const wrongPassword = Object.assign(new Error('password authentication failed'), { code: '28P01' })

test.each<[string, Fate[], (tries: number) => unknown]>([
  ['a commit that is stored', ['stored'], () => undefined],
  ['a commit whose answer is lost', ['lost'], () => undefined],
  ['a commit that is stored late', ['late', 'stored'], () => undefined],
  [
    'a lost answer, and a lock that is refused for a while',
    ['lost'],
    (tries) => (tries === 2 ? refusedByPostgres : undefined),
  ],
])('%s: done, and stored once', async (_name, fates, lockFails) => {
  const { write, stored } = breakingLake(fates, lockFails)
  expect(await write()).toBe('done')
  expect(stored).toHaveLength(1)
})

test('a commit of which nobody can be asked any more is not begun anew', async () => {
  const { write, stored } = breakingLake(['lost'], (tries) => (tries > 1 ? wrongPassword : undefined))
  await expect(write()).rejects.toMatchObject({
    status: 503,
    message: expect.stringContaining('only a read will tell'),
  })
  expect(stored).toHaveLength(1)
})

test('a lock that is refused, and a write that is: each in its own words', async () => {
  await expect(breakingLake([], () => wrongPassword).write()).rejects.toMatchObject({ status: 503 })
  await expect(breakingLake(['refused']).write()).rejects.toThrow('refused')
})

test('a write that met others each time is not to be run again; one whose instance was lost is, with another session', async () => {
  let locks = 0
  const failing = (error: Error) =>
    breakingLake([], () => {
      locks += 1
      return error
    }).write()
  const conflict = await failing(new Interrupted('Other writes came between.')).catch((error) => error)
  expect(conflict).toMatchObject({ status: 503, message: 'Other writes came between.' })
  expect([isInterrupted(conflict), locks]).toEqual([false, 8])
  locks = 0
  const lost = await failing(new LostInstance('The lake was closed.')).catch((error) => error)
  expect([isInterrupted(lost), locks]).toEqual([true, 1])
}, 30_000)
