import { ValidationError } from '../core/errors.ts'
import { columnType } from '../core/field-types.ts'
import type { Column } from '../core/table-schema.ts'
import type { CallOptions, Engine, Found, SearchPlan, Table } from '../infrastructure/engines/engine.ts'
import type { SearchParams } from '../schemas/datastore-search.ts'
import type { Answered, ServiceContext } from './answered.ts'
import { search } from './read.ts'
import { filterRows, type Row, sortRows } from './rows/select.ts'
import { rowWriters } from './rows/write.ts'
import { isVersioned } from './versions.ts'

/** The name under which a search lists all tables and aliases (contract §7.3). */
export const TABLE_METADATA = '_table_metadata'

/** What a caller may see of the tables. */
export interface Readable {
  /** Nobody decides: everything. */
  everything: boolean
  /** Whether the caller may read the table with this id. */
  mayRead(id: string): Promise<boolean>
}

const column = (name: string, type: string, frictionless: string): Column => ({
  name,
  type: columnType(type),
  declaredType: type,
  field: { name, type: frictionless },
})

/** datastore_search on the table of tables (contract §7.3). */
export function searchTableMetadata(
  { engine, config }: ServiceContext,
  params: SearchParams,
  readable: Readable,
  options: CallOptions,
): Promise<Answered> {
  if (isVersioned(params))
    throw new ValidationError({
      [params.as_of === undefined ? 'revision' : 'as_of']: [`${TABLE_METADATA} has no revisions`],
    })
  return search({ engine: metadataEngine(engine, readable), config }, metadataTable, params, options)
}

/** One row for each table and each alias, made anew for each search. */
const metadataTable: Table = {
  id: TABLE_METADATA,
  aliases: [],
  columns: [column('name', 'name', 'string'), column('oid', 'oid', 'integer'), column('alias_of', 'name', 'string')],
  primaryKey: [],
  indexes: [],
  schemaProperties: {},
  hasUpdatedAt: false,
  count: 0,
  revision: 0,
  schemaRevision: 0,
  createdAt: '',
  updatedAt: '',
}

const LISTED_AT_ONCE = 1000
/** Permissions are asked for so many tables at a time: Node warns of more than ten listeners on one signal. */
const ASKED_AT_ONCE = 8

/**
 * The part of an engine that searches the table of tables: only rows of tables that the caller may read. Permissions
 * are asked as far as the page goes; the total is known only when the rows ended before the page did.
 */
function metadataEngine(engine: Engine, readable: Readable): Pick<Engine, 'describe' | 'search'> {
  return {
    describe: async () => metadataTable,
    async search(plan, options = {}) {
      if (plan.textQueries.length > 0)
        throw new ValidationError({ q: [`${TABLE_METADATA} can't be searched by words`] })
      const rows = sortRows(filterRows(await listRows(engine, options), plan.filter), plan.sort)
      return pageOf(plan, ...(await readableRows(rows, plan, readable, options)))
    },
  }
}

async function listRows(engine: Engine, options: CallOptions): Promise<Row[]> {
  const rows: Row[] = []
  for (let after: string | undefined; ; ) {
    const listed = await engine.list({ ...(after !== undefined && { after }), limit: LISTED_AT_ONCE }, options)
    for (const { id, aliases } of listed) rows.push(rowOf(id, null), ...aliases.map((alias) => rowOf(alias, id)))
    after = listed.at(-1)?.id
    if (listed.length < LISTED_AT_ONCE) return rows
  }
}

/**
 * The rows that the caller may read, at least to the end of the page, and whether these are all there are. That is left
 * open for a full page: what lies behind it may be rows of others, which must make no difference.
 */
async function readableRows(
  rows: readonly Row[],
  { offset, limit, distinct }: SearchPlan,
  readable: Readable,
  { signal }: CallOptions,
): Promise<[Row[], boolean]> {
  if (readable.everything) return [[...rows], true]
  const end = distinct ? Number.POSITIVE_INFINITY : offset + limit
  const found: Row[] = []
  for (let asked = 0; asked < rows.length && found.length < end; asked += ASKED_AT_ONCE) {
    signal?.throwIfAborted()
    const some = rows.slice(asked, asked + ASKED_AT_ONCE)
    const allowed = await Promise.all(some.map(({ name, alias_of }) => readable.mayRead(String(alias_of ?? name))))
    found.push(...some.filter((_, index) => allowed[index]))
  }
  return [found, found.length < end]
}

function pageOf(plan: SearchPlan, readable: readonly Row[], complete: boolean): Found {
  const { projection, limit, offset, distinct, format, includeTotal } = plan
  const names = projection.map((item) => ('rank' in item ? item.rank : item.name))
  const shown = readable.map((row) => names.map((name) => row[name] ?? null))
  const rows = distinct ? [...new Map(shown.map((cells) => [JSON.stringify(cells), cells])).values()] : shown
  const page = rows.slice(offset, offset + limit)
  return {
    records: new TextEncoder().encode(rowWriters[format](names, page)),
    rows: page.length,
    ...(includeTotal && complete && { total: rows.length }),
    revision: 0,
  }
}

function rowOf(name: string, aliasOf: string | null): Row {
  const hash = fnv1a(`${aliasOf ?? ''}/${name}`)
  return { _id: hash.toString(16).padStart(16, '0'), name, oid: Number(hash & 0x7fffffffn), alias_of: aliasOf }
}

/** A 64-bit number that stands for a name, the same in every process: where PostgreSQL has an object's id. */
function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text))
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn
  return hash
}
