import { expect, test, vi } from 'vitest'
import { DatastoreError } from '../../../src/core/errors.ts'
import type { Engine, LoadPlan } from '../../../src/infrastructure/engines/engine.ts'
import { StaleSchema } from '../../../src/infrastructure/engines/engine.ts'
import { whileStale } from '../../../src/services/stale.ts'
import type { BigqueryServices } from '../../services/bigquery.ts'
import type { Fault, Recorded } from '../../services/proxy.ts'
import { freshId, Kit, textOf } from '../../suites/engine/kit.ts'
import { behind } from './behind.ts'

/** What may become of a request; `times` beyond what is tried again. */
export const faults = {
  'refused: quota': { status: 403, reason: 'quotaExceeded', times: 99 },
  'answered 500': { status: 500, reason: 'backendError', times: 99 },
  'answered 500 once': { status: 500, reason: 'backendError', times: 1 },
  'answered 503 once': { status: 503, reason: 'backendError', times: 1 },
  'timed out once': { how: 'silent', times: 1 },
  cut: { how: 'cut', times: 99 },
  'cut once': { how: 'cut', times: 1 },
  'done, and its answer lost': { how: 'lost', times: 1 },
} satisfies Record<string, Omit<Fault, 'match'>>

export const COLUMNS = { k: 'int', v: 'text' }
export const RECORDS = [
  { k: 1, v: 'a' },
  { k: 2, v: 'b' },
]

const fileOf = (text: string) => new Response(text).body as ReadableStream<Uint8Array>

async function load(kit: Kit, id: string, text: string, method: LoadPlan['method'], columns: Record<string, string>) {
  const file = await kit.engine.receive(fileOf(text))
  try {
    const { records: _records, ...plan } = await kit.plan(id, columns, method === 'replace' ? { key: ['k'] } : {})
    const delimited = { format: 'delimited', delimiter: ',', quote: '"', header: { lines: 1 } } as const
    const source = { ...delimited, file, columns: Object.keys(columns) }
    return await kit.engine.load({ ...plan, method, source, inferred: new Set(), onError: 'abort' })
  } finally {
    await file.discard()
  }
}

/** Calls that are failed at each of their requests. A table with `RECORDS` and the key `k` is there, unless it is to be made. */
export const calls = {
  'create: a new table': (kit, id) =>
    kit.create(id, COLUMNS, { key: ['k'], aliases: [`${id} alias`], records: RECORDS }),
  'create: a new column': (kit, id) => kit.create(id, { ...COLUMNS, late: 'date' }, { records: [{ k: 9 }] }),
  'create: a wider column': (kit, id) => kit.create(id, { ...COLUMNS, k: 'numeric' }, { records: [{ k: 9.5 }] }),
  'create: a title': (kit, id) => kit.create(id, COLUMNS, { schemaProperties: { title: 'Trees' } }),
  'upsert: old and new keys': (kit, id) =>
    kit.upsert(id, [
      { k: 1, v: 'changed' },
      { k: 3, v: 'new' },
    ]),
  'upsert: new keys': (kit, id) => kit.upsert(id, [{ k: 3 }, { k: 4, v: 'new' }]),
  insert: (kit, id) => kit.upsert(id, [{ v: 'no key' }], { method: 'insert' }),
  'delete: rows': (kit, id) => kit.deleteRows(id, { k: 1 }),
  'delete: a column': async (kit, id) => {
    const { schemaRevision: basedOn } = await kit.table(id)
    return kit.engine.delete({ id, what: 'columns', basedOn, columns: ['v'] })
  },
  'delete: the table': (kit, id) => kit.engine.delete({ id, what: 'table' }),
  'load: a new table': (kit, id) => load(kit, id, '1,x\n2,y\n', 'insert', COLUMNS),
  'load: more rows': (kit, id) => load(kit, id, '5,x\n6,y\n', 'insert', COLUMNS),
  'load: old and new keys': (kit, id) => load(kit, id, '1,x\n6,y\n', 'upsert', COLUMNS),
  'load: other rows': (kit, id) => load(kit, id, '7,x\n', 'replace', COLUMNS),
  'load: other rows of other types': (kit, id) => load(kit, id, '7,2024-02-29\n', 'replace', { k: 'int', v: 'date' }),
} satisfies Record<string, (kit: Kit, id: string) => Promise<unknown>>

const PATIENCE = { timeout: 60_000, interval: 500 }

export type CallName = keyof typeof calls
export type FaultName = keyof typeof faults

const makesTable = (name: CallName) => name.endsWith('a new table')

/** All that is told of a table; undefined: there is none. */
export async function stateOf(kit: Kit, id: string) {
  return whileStale(async () => {
    const table = await kit.engine.describe(id)
    if (!table) return undefined
    const columns = table.columns.map(({ name, declaredType }) => `${name} ${declaredType}`)
    const { text, total } = await kit.search(id)
    const rows = JSON.parse(`[${text}]`) as Record<string, unknown>[]
    expect(total).toBe(rows.length)
    expect((await kit.table(id)).count).toBe(rows.length)
    return { columns, key: table.primaryKey, aliases: table.aliases, rows }
  })
}

/** What lies in the dataset agrees with itself. Answers how many rows there are. */
export async function expectConsistent(services: BigqueryServices, id: string): Promise<number> {
  const [counted] = await behind(services, `SELECT COUNT(*), COUNT(DISTINCT _id) FROM \`${id}\``)
  const [state] = await behind(
    services,
    `SELECT row_count, row_count, s.schema_revision = m.schema_revision, next_id > (SELECT IFNULL(MAX(_id), 0) FROM \`${id}\`) ` +
      `FROM \`_state_${id}\` AS s, _datastore_metadata AS m WHERE m.resource_id = '${id}'`,
  )
  expect(state).toEqual([...(counted ?? []), 'true', 'true'])
  return Number(counted?.[0])
}

/** Requests that only clean up behind a call: a stage that stays expires. */
const isWork = ({ path }: Recorded) => !/\/cancel(?:\?|$)/.test(path)

/** Whether the last job that was to be started was heard of. */
function startsLast(requests: readonly Recorded[]): boolean {
  const isStart = ({ method, path }: Recorded) => method === 'POST' && /\/jobs(?:\?|$)/.test(path)
  const { body } = requests.findLast(isStart) ?? {}
  return requests.some((request) => isStart(request) && request.status === 200 && nameOf(request.body) === nameOf(body))
}

function nameOf(body: Recorded['body']): unknown {
  return (body?.jobReference as { jobId?: string } | undefined)?.jobId
}

export interface FailingPlace {
  engine: Engine
  /** An engine on the same dataset, as in another process. */
  other: Engine
  services: BigqueryServices
  discard?(ids: readonly string[]): Promise<void>
}

/** Lends a place to one test at a time. */
export type WithPlace = (work: (place: FailingPlace) => Promise<void>) => Promise<void>

const LONG = { timeout: 3_600_000 }

/** Fails a call at its first request, then at its second, and so on until it has no more: all of it or nothing is done. */
export function failsWhole(withPlace: WithPlace, name: CallName, kind: FaultName): void {
  test(`${name}: each request in turn ${kind}`, LONG, () => withPlace((place) => failEachRequest(place, name, kind)))
}

async function failEachRequest(place: FailingPlace, name: CallName, kind: FaultName): Promise<void> {
  const { services, discard } = place
  const here = new Kit(() => place.engine)
  const there = new Kit(() => place.other)
  const call: (kit: Kit, id: string) => Promise<unknown> = calls[name]
  const make = async () => {
    if (!makesTable(name)) return here.make(COLUMNS, RECORDS, { key: ['k'] })
    return freshId()
  }
  const whole = await make()
  const before = await stateOf(here, whole)
  await call(here, whole)
  const done = await stateOf(here, whole)
  const without = (state: typeof done) => JSON.stringify(state)?.replaceAll(/table-\d+/g, 'ID')
  for (let turn = 0; ; turn += 1) {
    const id = await make()
    let seen = 0
    const earlier = services.bigquery.requests.length
    const reached = () => seen > turn
    services.bigquery.fail({ ...faults[kind], match: (request) => isWork(request) && seen++ >= turn })
    const outcome = await whileStale(() => call(here, id)).then(
      () => undefined,
      (error: unknown) => error,
    )
    services.bigquery.heal()
    // A job that was started is done, whether or not anybody hears of it.
    const isUnknown = /look before/.test(String(outcome)) && startsLast(services.bigquery.requests.slice(earlier))
    if (isUnknown) await vi.waitFor(async () => expect(without(await stateOf(there, id))).toBe(without(done)), PATIENCE)
    const after = await stateOf(there, id)
    const where = `${name}, request ${turn} ${kind}: ${String(outcome)}`
    if (outcome !== undefined) {
      // Whoever failed says so in terms of the API, and nothing of Google's words.
      expect(outcome, where).toBeInstanceOf(DatastoreError)
      expect((outcome as DatastoreError).status, where).toBe(503)
    }
    expect(without(after), where).toBe(without(outcome === undefined || isUnknown ? done : before))
    expect(without(await stateOf(here, id)), where).toBe(without(after))
    if (after) await expectConsistent(services, id)
    // The next write finds nothing in its way.
    if (!after) await here.create(id, COLUMNS, { key: ['k'] })
    await whileStale(() => here.upsert(id, [{ k: 50 }]))
    expect(await expectConsistent(services, id), where).toBe((after?.rows.length ?? 0) + 1)
    await discard?.([id])
    if (!reached()) break
  }
  await discard?.([whole])
}

/** A dump that fails at a page never ends as if it were whole. */
export function dumpFails(withPlace: WithPlace, kind: FaultName): void {
  test(`a dump: each request in turn ${kind}`, LONG, () => withPlace((place) => failEachPage(place, kind)))
}

async function failEachPage(place: FailingPlace, kind: FaultName): Promise<void> {
  const { services, discard } = place
  const kit = new Kit(() => place.engine)
  const id = await kit.make({ k: 'int' }, [])
  await kit.upsert(
    id,
    Array.from({ length: 11_000 }, (_, k) => ({ k })),
    { method: 'insert' },
  )
  const whole = await kit.dump(id, 'csv')
  for (let turn = 0; ; turn += 1) {
    let seen = 0
    services.bigquery.fail({ ...faults[kind], match: (request) => isWork(request) && seen++ >= turn })
    let started = false
    const dump = async () => {
      const stream = await kit.openDump(id, 'csv')
      started = true
      return textOf(stream)
    }
    const outcome = await dump().catch((error: unknown) => error)
    services.bigquery.heal()
    if (typeof outcome === 'string') expect(outcome === whole).toBe(true)
    // What breaks on its way has been answered with 200 by then: it ends with an error, whichever.
    else if (!started) expect(outcome).toMatchObject({ status: 503 })
    else expect(outcome).toBeInstanceOf(Error)
    expect(outcome).not.toBeInstanceOf(StaleSchema)
    if (seen <= turn) break
    expect(turn).toBeLessThan(20)
  }
  expect((await kit.dump(id, 'csv')) === whole).toBe(true)
  await discard?.([id])
}
