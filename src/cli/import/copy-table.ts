import { Failure } from '../failure.ts'
import { Refusal } from '../server.ts'
import type { Call } from './actions.ts'
import { readFields, readKey, readTotal } from './answers.ts'
import { compareRows } from './compare.ts'
import type { Source, SourceTable } from './source.ts'

export interface Copied {
  id: string
  /** Rows that the table now has, as many as CKAN's. */
  rows: number
  /** Rows that an earlier run had copied. */
  there: number
}

/** A page is first of so many rows, then of as many as are about so large, going by the page before. */
const FIRST_ROWS = 500
const MOST_ROWS = 5000
const PAGE_BYTES = 8_000_000

/**
 * Copies one table: columns, dictionary and key, then its rows in the order of `_id`, a page in a transaction, then its
 * aliases. Rows that are there from a run that broke off are held against CKAN's first, and it goes on behind them.
 *
 * @throws Failure when a table of that name has other columns, another key, rows that are not CKAN's or more of them, or
 * the counts differ at the end.
 */
export async function copyTable(source: Source, target: { read: Call; write: Call }, id: string): Promise<Copied> {
  const table = await source.describe(id)
  const there = await prepare(target, table)
  if (there > 0) expectRows(id, there, await source.count(id), { more: true })
  let after = there > 0 ? await compareRows(source, target.read, table, there) : undefined
  let most = MOST_ROWS
  for (let rows = there, limit = FIRST_ROWS; ; ) {
    const page = await source.page(id, { offset: rows, limit, after })
    if (page.length === 0) break
    const records = page.map(({ record }) => record)
    most = Math.min(most, await insert(target.write, id, records))
    rows += records.length
    after = page.at(-1)?.id
    const fitting = Math.floor((records.length * PAGE_BYTES) / JSON.stringify(records).length)
    limit = Math.max(1, Math.min(fitting, most))
  }
  const stored = await countOf(target.read, id)
  expectRows(id, stored, await source.count(id))
  if (table.aliases.length > 0) {
    await target.write('datastore_create', { resource_id: id, force: true, aliases: table.aliases })
  }
  return { id, rows: stored, there }
}

/** @param more - CKAN may have more, which are still to be copied. */
function expectRows(id: string, stored: number, wanted: number, { more = false } = {}): void {
  if (stored === wanted || (more && stored < wanted)) return
  throw new Failure(
    `${id}: CKAN has ${wanted} rows and the copy ${stored}. Was one written to meanwhile? Delete the copy, and run it again.`,
  )
}

/** Stores records, in parts where they are too many for one request. Answers how many a request may have. */
async function insert(write: Call, id: string, records: Record<string, unknown>[]): Promise<number> {
  try {
    await write('datastore_upsert', { resource_id: id, method: 'insert', force: true, records })
    return MOST_ROWS
  } catch (error) {
    // Nothing of it was stored. A proxy on the way may permit less than the server.
    if (!(error instanceof Refusal && error.status === 413) || records.length === 1) throw error
    const half = Math.ceil(records.length / 2)
    const first = await insert(write, id, records.slice(0, half))
    return Math.min(half, first, await insert(write, id, records.slice(half)))
  }
}

/** Makes the table, or finds it as an earlier run has left it. Answers its rows. */
async function prepare({ read, write }: { read: Call; write: Call }, table: SourceTable): Promise<number> {
  const { id, fields, primaryKey } = table
  const known = await read('datastore_info', { id }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
  if (known) {
    const names = readFields(known, id).map((field) => field.id)
    const wanted = fields.map((field) => String(field.id))
    const differ = (one: string[], other: string[]) => one.join('\n') !== other.join('\n')
    const other = differ(names, wanted)
      ? 'other columns'
      : differ([...(readKey(known) ?? [])].sort(), [...primaryKey].sort()) && 'another key'
    if (other) throw new Failure(`${id}: there is a table of this name with ${other}. It stays as it is.`)
    return countOf(read, id)
  }
  await write('datastore_create', {
    resource_id: id,
    force: true,
    fields,
    ...(primaryKey.length > 0 && { primary_key: primaryKey }),
  })
  return 0
}

async function countOf(read: Call, id: string): Promise<number> {
  return readTotal(await read('datastore_search', { resource_id: id, limit: 0, include_total: true }), id)
}

function isNotFound(error: unknown): boolean {
  const detail = (error as { detail?: { error?: { __type?: string } } }).detail
  return detail?.error?.__type === 'Not Found Error'
}
