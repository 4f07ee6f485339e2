import type { Column } from '../../../core/table-schema.ts'
import type { Session } from '../duckdb/client.ts'
import { carriedKey } from '../duckdb/insert.ts'
import type { StoredTable } from '../duckdb/metadata.ts'
import type { Records, UpsertPlan } from '../engine.ts'
import { quoteIdentifier } from '../sql/quote.ts'

/** The records of several calls as those of one, in their order. */
export function joinRecords(list: readonly Records[]): Records {
  const [first] = list
  if (first && list.length === 1) return first
  const shapes = new Map<string, number>()
  const numberOf = (shape: readonly string[] = []) => {
    const name = JSON.stringify(shape)
    const number = shapes.get(name) ?? shapes.size
    shapes.set(name, number)
    return number
  }
  const shapeOf = list.flatMap(({ count, shapes, shapeOf }) =>
    Array.from({ length: count }, (_, row) => numberOf(shapes[shapeOf[row] ?? 0])),
  )
  return {
    count: shapeOf.length,
    columns: [...new Set(list.flatMap(({ columns }) => columns))],
    shapes: [...shapes.keys()].map((name) => JSON.parse(name) as string[]),
    shapeOf: shapes.size > 1 ? shapeOf : [],
    plain: plainInAll(list),
    ndjson: list.flatMap(({ ndjson }) => ndjson),
  }
}

function plainInAll(list: readonly Records[]): Map<string, number> {
  const digits = (name: string) => list.map(({ plain }) => plain.get(name))
  const names = list[0]?.plain.keys() ?? []
  return new Map(
    [...names].flatMap((name) => {
      const all = digits(name)
      return all.includes(undefined) ? [] : [[name, Math.max(...(all as number[]))] as const]
    }),
  )
}

/**
 * Whether calls on one table come out together as one after the other, each with its own answer: each record is known by
 * its key alone, and no value has to differ from those of other rows.
 */
export function canJoin(table: StoredTable, plans: readonly UpsertPlan[]): boolean {
  if (table.columns.some(({ field }) => field.constraints?.unique === true)) return false
  return plans.every(
    ({ method, records }) =>
      method === 'insert' ||
      (table.primaryKey.length > 0 &&
        records.shapes.every((shape) => table.primaryKey.every((name) => shape.includes(name)))),
  )
}

/**
 * How many rows each call writes, in their order; read from the stage of all their records. Undefined: two of them write the
 * same row, and it matters what stands between.
 */
export async function countEach(
  session: Session,
  table: StoredTable,
  columns: readonly Column[],
  plans: readonly UpsertPlan[],
): Promise<number[] | undefined> {
  const counts = plans.map(({ records }) => records.count)
  const isPlain = !table.columns.some(({ field }) => field.constraints?.required === true)
  if (plans[0]?.method === 'insert' || (isPlain && counts.every((count) => count === 1))) return counts
  const key = carriedKey(table, columns).map(quoteIdentifier)
  const isNull = key.map((name) => `${name} IS NULL`).join(' OR ')
  const rowsWhere = (condition: string) =>
    `count(DISTINCT (${key.join(', ')})) FILTER (${condition} AND NOT (${isNull})) + count(*) FILTER (${condition} AND (${isNull}))`
  let start = 0
  const conditions = counts.map((count) => {
    start += count
    return `_row >= ${start - count} AND _row < ${start}`
  })
  const row = await session.row(`SELECT ${['TRUE', ...conditions].map(rowsWhere).join(', ')} FROM temp._typed`)
  const [all = 0, ...each] = (row ?? []).map(Number)
  return isPlain || each.reduce((sum, count) => sum + count, 0) === all ? each : undefined
}
