import type { Session } from '../duckdb/client.ts'
import { quoteLiteral } from '../sql/quote.ts'
import type { Catalog } from './catalog.ts'

/** Bytes of files that are merged while others wait to write, and how many files. */
const BYTES_AT_ONCE = 64 * 1024 * 1024
const FILES_AT_ONCE = 100
/** A file is written anew when a larger part of it is deleted; small ones are with any, as one with deleted rows is never merged. */
const DELETED_PART = 0.25
/** A larger file is merged with smaller ones when it is at most so many times as large as all of them together. */
const SMALL_BYTES = 1024 * 1024
const LIKENESS = 4
/** Tables that one query asks: PostgreSQL holds a lock on each. */
const ASKED_AT_ONCE = 200

/** Files that are merged in one turn. */
export interface Merge {
  /** Those of fewer bytes than this. */
  below: number
  /** Others are left for another turn. */
  isPart: boolean
}

/** Files that are written anew. */
export interface Rewrite {
  table: string
  /** Those of which a larger part than this is deleted. */
  above: number
}

/** Tables that wait for a step of maintenance, and no others: in a large lake most have nothing to do. */
export interface TableWork {
  /** Those with rows or deletions that are still in the catalog. */
  toFlush(session: Session): Promise<string[]>
  /** Those with files that are written anew without their deleted rows. `all`: every file that has any. */
  toRewrite(session: Session, all: boolean): Promise<Rewrite[]>
  /** Those with small files that can be merged. */
  toMerge(session: Session): Promise<string[]>
  /** Which files of this table are next to be merged. Undefined: none are. */
  nextMerge(session: Session, table: string): Promise<Merge | undefined>
  isThere(session: Session, table: string): Promise<boolean>
}

/** Reads it from the catalog's own tables. */
export function tableWork({ ask, inlined }: Pick<Catalog, 'ask' | 'inlined'>): TableWork {
  const tables = async (session: Session) => {
    const rows = await session.rows(
      ask((of) => `SELECT table_id, table_name FROM ${of('ducklake_table')} WHERE end_snapshot IS NULL`),
    )
    return new Map(rows.map(([id, name]) => [Number(id), String(name)]))
  }

  const mergeable = async (session: Session, table?: string) => {
    const only = table === undefined ? '' : ` AND t.table_name = ${quoteLiteral(table)}`
    const rows = await session.rows(
      ask((of) => {
        // Only files of the same columns are merged, and none with deleted rows.
        const version = `SELECT max(v.begin_snapshot) FROM ${of('ducklake_schema_versions')} v WHERE v.table_id = f.table_id AND v.begin_snapshot <= f.begin_snapshot`
        return (
          `SELECT t.table_name, (${version}) AS version, f.file_size_bytes FROM ${of('ducklake_table')} t ` +
          `JOIN ${of('ducklake_data_file')} f ON f.table_id = t.table_id WHERE t.end_snapshot IS NULL AND f.end_snapshot IS NULL ` +
          `AND f.file_size_bytes < ${BYTES_AT_ONCE}${only} AND NOT EXISTS ` +
          `(SELECT 1 FROM ${of('ducklake_delete_file')} d WHERE d.table_id = f.table_id AND d.data_file_id = f.data_file_id)`
        )
      }),
    )
    const groups = new Map<string, { table: string; sizes: number[] }>()
    for (const [name, version, size] of rows) {
      const key = `${version} ${name}`
      const group = groups.get(key) ?? { table: String(name), sizes: [] }
      groups.set(key, group)
      group.sizes.push(Number(size))
    }
    return [...groups.values()].flatMap(({ table, sizes }) => {
      const merge = mergeOf(sizes)
      return merge ? [{ table, merge }] : []
    })
  }

  return {
    async toFlush(session) {
      const known = await tables(session)
      if (inlined === undefined) return [...known.values()]
      const names = (await session.rows(inlined)).map(([name]) => String(name)).filter((name) => known.has(idIn(name)))
      const found = new Set<number>()
      for (let from = 0; from < names.length; from += ASKED_AT_ONCE) {
        const some = names.slice(from, from + ASKED_AT_ONCE)
        const rows = await session.rows(
          ask((of) =>
            some
              .map((name) => `SELECT ${idIn(name)} AS id WHERE EXISTS (SELECT 1 FROM ${of(name)})`)
              .join(' UNION ALL '),
          ),
        )
        for (const [id] of rows) found.add(Number(id))
      }
      return [...known].flatMap(([id, name]) => (found.has(id) ? [name] : []))
    },

    async toRewrite(session, all) {
      const rows = await session.rows(
        ask(
          (of) =>
            'SELECT t.table_name, sum(f.file_size_bytes) AS bytes, max(d.delete_count * 1.0 / f.record_count) AS part ' +
            `FROM ${of('ducklake_table')} t JOIN ${of('ducklake_data_file')} f ON f.table_id = t.table_id ` +
            `JOIN ${of('ducklake_delete_file')} d ON d.table_id = f.table_id AND d.data_file_id = f.data_file_id ` +
            'WHERE t.end_snapshot IS NULL AND f.end_snapshot IS NULL AND d.end_snapshot IS NULL GROUP BY t.table_name',
        ),
      )
      return rows.flatMap(([name, bytes, part]) => {
        const table = String(name)
        if (all || Number(bytes) <= SMALL_BYTES) return [{ table, above: 0 }]
        return Number(part) > DELETED_PART ? [{ table, above: DELETED_PART }] : []
      })
    },

    async toMerge(session) {
      return [...new Set((await mergeable(session)).map(({ table }) => table))]
    },

    async nextMerge(session, table) {
      const [first, ...others] = (await mergeable(session, table)).map(({ merge }) => merge)
      return first && { below: first.below, isPart: first.isPart || others.length > 0 }
    },

    async isThere(session, table) {
      return [...(await tables(session)).values()].includes(table)
    },
  }
}

/** The number of the table whose rows or deletions a table of the catalog holds. */
function idIn(name: string): number {
  return Number(/^ducklake_inlined_(?:data|delete)_(\d+)/.exec(name)?.[1])
}

/**
 * As many of the smallest files as one turn takes. A large one waits until the others have come to something beside it; else it would
 * be written anew for every few rows.
 */
export function mergeOf(sizes: readonly number[]): Merge | undefined {
  let sum = 0
  let merge: Merge | undefined
  for (const [index, size] of [...sizes].sort((a, b) => a - b).entries()) {
    if (sum + size > BYTES_AT_ONCE || index >= FILES_AT_ONCE) return merge && { ...merge, isPart: true }
    if (index > 0 && size <= Math.max(SMALL_BYTES, LIKENESS * sum)) merge = { below: size + 1, isPart: false }
    sum += size
  }
  return merge
}
