import { Failure } from '../failure.ts'
import type { Call } from './actions.ts'
import { readFields, readKey, readRecords, readTotal } from './answers.ts'

/** A table as CKAN describes it, in the words of `datastore_create`. */
export interface SourceTable {
  id: string
  fields: Record<string, unknown>[]
  primaryKey: string[]
  aliases: string[]
}

export interface SourceRow {
  /** CKAN's `_id`. */
  id: number
  /** Without `_id`. */
  record: Record<string, unknown>
}

/** The tables of a CKAN DataStore. */
export interface Source {
  /** Ids of all tables that the token may see. */
  tables(): Promise<string[]>
  describe(id: string): Promise<SourceTable>
  count(id: string): Promise<number>
  /**
   * Rows in the order of `_id`. No rows: there are no more.
   *
   * @param after - The `_id` of a row before them, where one is known.
   * @throws Failure when it is not the rows behind that which come.
   */
  page(id: string, position: { offset: number; limit: number; after?: number }): Promise<SourceRow[]>
}

const LISTED = 1000
const LISTING = '_table_metadata'

interface Listed {
  name: string
  aliasOf: string | undefined
}

/** Reads by CKAN's own actions. */
export function openSource(call: Call): Source {
  const listing = lazily(() => readListing(call))
  return {
    async tables() {
      const rows = await listing()
      return [...new Set(rows.filter(isTable).map(({ name }) => name))]
    },
    async describe(id) {
      const info = await call('datastore_info', { id })
      const fields = readFields(info, id).filter((field) => !field.id.startsWith('_'))
      const aliases = (await listing()).filter(({ aliasOf }) => aliasOf === id).map(({ name }) => name)
      // CKAN keeps a key as a unique index, and tells it by column.
      const unique = fields.filter(({ schema }) => schema?.uniquekey).map((field) => field.id)
      return {
        id,
        fields: fields.map(({ id: name, type, info: dictionary }) => ({
          id: name,
          type,
          ...(dictionary && { info: dictionary }),
        })),
        primaryKey: readKey(info) ?? unique,
        aliases: [...new Set(aliases)],
      }
    },
    async count(id) {
      return readTotal(await call('datastore_search', { resource_id: id, limit: 0, include_total: true }), id)
    },
    async page(id, { offset, limit, after = 0 }) {
      const found = await call('datastore_search', {
        resource_id: id,
        sort: '_id',
        offset,
        limit,
        include_total: false,
      })
      let last = after
      return readRecords(found, id).map(({ _id, _full_text, ...record }) => {
        if (typeof _id !== 'number' || !(_id > last)) throw notInOrder(id)
        last = _id
        return { id: _id, record }
      })
    },
  }
}

function notInOrder(id: string): Failure {
  return new Failure(
    `${id}: CKAN does not give its rows one after the other by _id. Does something on the way drop "offset" or "sort"?`,
  )
}

/** PostgreSQL's and CKAN's own begin so. */
const isTable = ({ name, aliasOf }: Listed) => aliasOf === undefined && !/^(_|pg_)/.test(name)

async function readListing(call: Call): Promise<Listed[]> {
  const rows = new Map<string, Listed>()
  for (let offset = 0; ; ) {
    const answer = await call('datastore_search', { resource_id: LISTING, limit: LISTED, offset, sort: 'name' })
    const page = readRecords(answer, LISTING)
    if (page.length === 0) return [...rows.values()]
    const before = rows.size
    for (const { name, alias_of: aliasOf } of page) {
      if (typeof name !== 'string') throw new Failure(`${LISTING}: a row has no name.`)
      rows.set(JSON.stringify([name, aliasOf]), { name, aliasOf: typeof aliasOf === 'string' ? aliasOf : undefined })
    }
    if (rows.size === before) throw notInOrder(LISTING)
    offset += page.length
  }
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
