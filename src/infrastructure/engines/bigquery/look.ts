import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN, idColumn } from '../../../core/table-schema.ts'
import type { Client } from './client.ts'
import type { StoredTable } from './metadata.ts'
import { quoteName, storedColumn, tableOf } from './names.ts'
import { rawText } from './render.ts'
import type { ResultPage } from './result-page.ts'
import { INLINE_BYTES, inlineBytes, inlineSource, itemValue } from './source.ts'
import { castType, comparable, storageType } from './types.ts'
import { canonicalText } from './values.ts'

/** Who has which values: for each text of `keyText`, the `_id` of the row that has it. */
export type Owners = Map<string, string>

/** Equal lists of values have equal texts; null equals nothing. */
export function keyText(values: readonly (string | null | undefined)[]): string | undefined {
  return values.some((value) => value === null || value === undefined) ? undefined : JSON.stringify(values)
}

/** A table as it is stored now, though its columns may be about to change. */
export type LookedAt = Pick<StoredTable, 'id' | 'columns'>

/** SQL of what the stored rows have in a column, in the type that it is to have. Undefined: the column is yet to come. */
export function storedValue({ columns }: LookedAt, { name, type }: Column): string | undefined {
  const stored = name === ID_COLUMN ? idColumn : columns.find((column) => column.name === name)
  if (!stored) return undefined
  const value = `t.${quoteName(storedColumn(name))}`
  return storageType(stored.type) === storageType(type) ? value : `CAST(${value} AS ${castType(type)})`
}

/** As `storedValue`; null in a column that is yet to come. */
export function storedOrNull(table: LookedAt, column: Column): string {
  return storedValue(table, column) ?? `CAST(NULL AS ${castType(column.type)})`
}

/** The rows that have these values in these columns. One statement; it scans these columns and `_id`. */
export async function findOwners(
  client: Client,
  table: LookedAt,
  columns: readonly Column[],
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<Owners> {
  const owners: Owners = new Map()
  const values = columns.flatMap((column) => storedValue(table, column) ?? [])
  // A row equals nothing in a column that it does not have yet.
  if (keys.length === 0 || values.length < columns.length) return owners
  for (const part of partsOf(keys)) {
    const source = inlineSource('keys', part)
    const equal = columns.map(
      (column, index) =>
        `${comparable(values[index] as string, column.type)} = ${comparable(itemValue(index, column), column.type)}`,
    )
    const sql = `SELECT _at, t._id FROM ${source.from} WITH OFFSET AS _at JOIN ${quoteName(tableOf(table.id))} AS t ON ${equal.join(' AND ')}`
    const page = await client.query(sql, { params: source.params, role: 'write', signal })
    for await (const { f } of rowsOf(client, page, signal)) owners.set(part[Number(f[0]?.v)] as string, String(f[1]?.v))
  }
  return owners
}

/** Rows by their `_id`s: the values of these columns, as `readValue` writes them. */
export async function findRows(
  client: Client,
  table: LookedAt,
  columns: readonly Column[],
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, (string | null)[]>> {
  const found = new Map<string, (string | null)[]>()
  if (ids.length === 0) return found
  const values = columns.map((column) => storedOrNull(table, column))
  for (const part of partsOf(ids)) {
    const source = inlineSource(
      'ids',
      part.map((text) => JSON.stringify([text])),
    )
    const sql = `SELECT ${['t._id', ...values].join(', ')} FROM ${quoteName(tableOf(table.id))} AS t WHERE t._id IN (SELECT ${itemValue(0, idColumn)} FROM ${source.from})`
    const page = await client.query(sql, { params: source.params, role: 'write', signal })
    for await (const { f } of rowsOf(client, page, signal)) {
      const [own, ...cells] = f.map(rawText)
      found.set(
        own as string,
        cells.map((raw, index) => (raw === null ? null : canonicalText(raw, (columns[index] as Column).type))),
      )
    }
  }
  return found
}

const PART_ITEMS = 20_000

/** Items as they fit into one statement. */
function partsOf(items: readonly string[]): string[][] {
  const parts: string[][] = []
  let room = 0
  for (const item of items) {
    const bytes = inlineBytes(item)
    if (bytes > room || parts.at(-1)?.length === PART_ITEMS) {
      parts.push([])
      room = INLINE_BYTES
    }
    parts.at(-1)?.push(item)
    room -= bytes
  }
  return parts
}

/** Every row of a result, page by page. */
export async function* rowsOf(
  client: Client,
  first: ResultPage,
  signal?: AbortSignal,
): AsyncGenerator<ResultPage['rows'][number]> {
  for (let page: ResultPage | undefined = first; page; page = await client.nextPage(page, { role: 'write', signal }))
    yield* page.rows
}
