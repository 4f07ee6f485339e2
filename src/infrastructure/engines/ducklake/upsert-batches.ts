import type { Session } from '../duckdb/client.ts'
import type { StoredTable } from '../duckdb/metadata.ts'
import { updateCountersOfAll } from '../duckdb/metadata.ts'
import type { Store } from '../duckdb/store.ts'
import { currentTable, ID_COLUMN, writeInTurn } from '../duckdb/store.ts'
import type { StagedUpsert } from '../duckdb/upsert.ts'
import { applyUpsert, stageUpsert, upsertInTurn, upsertRecords } from '../duckdb/upsert.ts'
import type { UpsertPlan, Written } from '../engine.ts'
import { isInterrupted } from './failures.ts'
import { canJoin, countEach, joinRecords } from './joined-records.ts'
import type { LakeTransactions } from './lake-storage.ts'
import { revisionOf } from './lake-storage.ts'

/** A call with more records, or of more bytes, has no need of company, and would keep the others waiting. */
const RECORDS = 100
const BYTES = 64 * 1024
/** Of all calls on one table that share a commit: they are held in memory. */
const GROUP_BYTES = 1024 * 1024
/** Calls on one table that share a commit. */
const CALLS = 200
/** Tables that share one: what is known of so many is written to the catalog; of more, to a file. */
const TABLES = 10

interface Call {
  plan: UpsertPlan
  signal: AbortSignal | undefined
  resolve(written: Written): void
  reject(error: unknown): void
}

/** Calls on one table that wait for its turn, or have it. */
interface Group {
  id: string
  calls: Call[]
  bytes: number
  isTaken: boolean
  /** Its place in the queue: nothing that came later may be overtaken. */
  place?: unknown
}

/** Calls of a group as they are written: as one. */
interface Part {
  group: Group
  plan: UpsertPlan
  stage: StagedUpsert
  affected: readonly number[]
}

/** What a group's calls were refused with; the others of its batch have no part in it. */
class Refused {
  readonly group: Group

  constructor(group: Group) {
    this.group = group
  }
}

/**
 * Commits of a lake are made one after the other and each takes its time, however little it holds. So small calls that come in
 * while one is made are written by the next one together, up to ten tables in a transaction. Nobody waits for company. Each call
 * is answered as if it had been alone; calls that can't be written together, or of which one is refused, are parted again.
 */
export class UpsertBatches {
  readonly #store: Store
  readonly #transactions: LakeTransactions
  /** Those that may still be joined, by table. */
  readonly #open = new Map<string, Group>()
  readonly #ready: { group: Group; done: () => void }[] = []
  #isRunning = false

  constructor(store: Store, transactions: LakeTransactions) {
    this.#store = store
    this.#transactions = transactions
  }

  async upsert(plan: UpsertPlan, signal?: AbortSignal): Promise<Written> {
    if (!isSmall(plan)) return upsertRecords(this.#store, plan, signal)
    signal?.throwIfAborted()
    return new Promise((resolve, reject) => {
      const leave = () => {
        // What is being written already is written whole.
        if (group.isTaken) return
        group.calls = group.calls.filter((other) => other !== call)
        call.reject(signal?.reason)
      }
      const settle =
        <A>(answer: (value: A) => void) =>
        (value: A) => {
          signal?.removeEventListener('abort', leave)
          answer(value)
        }
      const call: Call = { plan, signal, resolve: settle(resolve), reject: settle(reject) }
      const group = this.#groupFor(plan)
      group.calls.push(call)
      group.bytes += bytesOf(plan)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  #groupFor({ id, method, basedOn }: UpsertPlan): Group {
    const open = this.#open.get(id)
    const first = open?.calls[0]?.plan
    const hasRoom = open && open.calls.length < CALLS && open.bytes < GROUP_BYTES
    const isLast = open?.place === this.#store.queue.last(id)
    if (hasRoom && isLast && (!first || (first.method === method && first.basedOn === basedOn))) return open
    const group: Group = { id, calls: [], bytes: 0, isTaken: false }
    this.#open.set(id, group)
    const turn = () =>
      new Promise<void>((done) => {
        this.#ready.push({ group, done })
        if (!this.#isRunning) void this.#run()
      })
    void this.#store.queue.run([id], turn)
    group.place = this.#store.queue.last(id)
    return group
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#ready.length > 0) {
      const batch = this.#ready.splice(0, TABLES)
      for (const { group } of batch) {
        group.isTaken = true
        if (this.#open.get(group.id) === group) this.#open.delete(group.id)
      }
      await this.#write(batch.map(({ group }) => group))
      for (const { done } of batch) done()
    }
    this.#isRunning = false
  }

  /** Answers every call of these groups. */
  async #write(groups: readonly Group[]): Promise<void> {
    const calls = groups.flatMap((group) => group.calls)
    const [only] = calls
    if (only === undefined) return
    if (calls.length === 1) {
      const { plan, signal, resolve, reject } = only
      return this.#store.queue.run([], () => upsertInTurn(this.#store, plan, signal), signal).then(resolve, reject)
    }
    try {
      const answers = await this.#store.queue.run([], () => this.#writeTogether(groups))
      for (const [call, written] of answers) call.resolve(written)
    } catch (error) {
      if (!(error instanceof Refused)) for (const { reject } of calls) reject(error)
      else {
        await this.#write(groups.filter((group) => group !== error.group))
        for (const half of halves(error.group)) await this.#write([half])
      }
    }
  }

  /** @throws Refused where a group can't be written with others, or its calls not together. */
  #writeTogether(all: readonly Group[]): Promise<[Call, Written][]> {
    const groups = all.filter(({ calls }) => calls.length > 0)
    const ids = groups.map(({ id }) => id)
    const work = async (session: Session) => {
      const parts: Part[] = []
      try {
        for (const group of groups) {
          parts.push(await refusedWith(group, () => this.#stage(session, group)))
          await session.run(`ALTER TABLE temp._typed RENAME TO ${stageName(parts.length - 1)}`)
        }
        const results = await this.#transactions.run(
          session,
          () => this.#apply(session, parts),
          (results) => results.map(({ table }) => revisionOf(table.id, table)),
          (results) => {
            for (const { table } of results) this.#store.tables.set(table.id, table)
          },
        )
        return results.flatMap(({ answers }) => answers)
      } finally {
        for (const number of parts.keys()) await session.run(`DROP TABLE IF EXISTS temp.${stageName(number)}`)
      }
    }
    return writeInTurn(this.#store, ids, work)
  }

  async #stage(session: Session, group: Group): Promise<Part> {
    const plans = group.calls.map(({ plan }) => plan)
    const [first] = plans as [UpsertPlan]
    const table = (await currentTable(this.#store, session, group.id, first.basedOn)) as StoredTable
    if (plans.length > 1 && !canJoin(table, plans)) throw new Refused(group)
    const plan = { ...first, records: joinRecords(plans.map(({ records }) => records)) }
    const stage = await stageUpsert(this.#store, session, plan)
    const affected = plans.length > 1 ? await countEach(session, table, stage.columns, plans) : []
    if (stage.isWidened || affected === undefined) throw new Refused(group)
    return { group, plan, stage, affected }
  }

  async #apply(
    session: Session,
    parts: readonly Part[],
  ): Promise<{ table: StoredTable; answers: [Call, Written][] }[]> {
    const results: { table: StoredTable; answers: [Call, Written][] }[] = []
    for (const [number, { group, plan, stage, affected }] of parts.entries()) {
      // What is done to temporary tables stays where the lake's commit fails, and all of this is run again.
      await session.run(`CREATE OR REPLACE TEMP TABLE _typed AS FROM temp.${stageName(number)}`)
      const outcome = await refusedWith(group, () => applyUpsert(this.#store, session, plan, stage))
      const table = outcome.after
      const answer = (index: number): Written => ({
        table,
        affected: affected[index] ?? outcome.affected,
        warnings: [],
      })
      results.push({ table, answers: group.calls.map((call, index) => [call, answer(index)]) })
    }
    await updateCountersOfAll(
      session,
      results.map(({ table }) => table),
    )
    return results
  }
}

/** A failure that any statement may meet is everybody's. */
async function refusedWith<T>(group: Group, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isInterrupted(error) ? error : new Refused(group)
  }
}

function stageName(number: number): string {
  return `_typed_${number}`
}

function isSmall(plan: UpsertPlan): boolean {
  const { dryRun, includeRecords, records } = plan
  if (dryRun || includeRecords || records.columns.includes(ID_COLUMN)) return false
  return records.count <= RECORDS && bytesOf(plan) <= BYTES
}

function bytesOf({ records }: UpsertPlan): number {
  return records.ndjson.reduce((sum, chunk) => sum + chunk.length, 0)
}

function halves({ id, calls }: Group): Group[] {
  const middle = Math.ceil(calls.length / 2)
  return [calls.slice(0, middle), calls.slice(middle)].map((calls) => ({ id, calls, bytes: 0, isTaken: true }))
}
