import type { Call } from './actions.ts'

/** A table as CKAN describes it, in the words of `datastore_create`. */
export interface SourceTable {
  id: string
  fields: Record<string, unknown>[]
  primaryKey: string[]
  aliases: string[]
}

/** The tables of a CKAN DataStore. */
export interface Source {
  /** Ids of all tables that the token may see. */
  tables(): Promise<string[]>
  describe(id: string): Promise<SourceTable>
  count(id: string): Promise<number>
  /** Records in the order of `_id`, without it. No records: there are no more. */
  page(id: string, offset: number, limit: number): Promise<Record<string, unknown>[]>
}

const LISTED = 1000

interface Listed {
  name: string
  alias_of: string | null
}

interface Info {
  meta?: { primary_key?: string[] }
  fields: { id: string; type: string; info?: object; schema?: { uniquekey?: boolean } }[]
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
      const info = (await call('datastore_info', { id })) as unknown as Info
      const aliases = (await listing()).filter(({ alias_of: table }) => table === id).map(({ name }) => name)
      const fields = info.fields.filter((field) => !field.id.startsWith('_'))
      // CKAN keeps a key as a unique index, and tells it by column.
      const unique = fields.filter(({ schema }) => schema?.uniquekey).map((field) => field.id)
      return {
        id,
        fields: fields.map(({ id: name, type, info: dictionary }) => ({
          id: name,
          type,
          ...(dictionary && { info: dictionary }),
        })),
        primaryKey: info.meta?.primary_key ?? unique,
        aliases,
      }
    },
    async count(id) {
      const { total } = await call('datastore_search', { resource_id: id, limit: 0, include_total: true })
      return Number(total)
    },
    async page(id, offset, limit) {
      const found = await call('datastore_search', {
        resource_id: id,
        sort: '_id',
        offset,
        limit,
        include_total: false,
      })
      const records = found.records as Record<string, unknown>[]
      return records.map(({ _id, _full_text, ...record }) => record)
    },
  }
}

/** PostgreSQL's and CKAN's own begin so. */
const isTable = ({ name, alias_of }: Listed) => !alias_of && !/^(_|pg_)/.test(name)

async function readListing(call: Call): Promise<Listed[]> {
  const rows: Listed[] = []
  for (;;) {
    const { records } = await call('datastore_search', {
      resource_id: '_table_metadata',
      limit: LISTED,
      offset: rows.length,
      sort: 'name',
    })
    const page = records as Listed[]
    rows.push(...page)
    if (page.length === 0) return rows
  }
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
