import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN } from '../../../core/table-schema.ts'
import type { Records } from '../engine.ts'
import { quoteIdentifier } from '../sql/quote.ts'
import type { Session } from './client.ts'
import { carriedKey } from './insert.ts'
import type { StoredTable } from './metadata.ts'
import { tableName } from './store.ts'

/**
 * The parts of the stage, as SQL conditions on `r._row`, that must be applied one after the other: a record that
 * changes a key by `_id` comes between records that are found by their keys. None: all can be applied at once.
 */
export async function partsInOrder(
  session: Session,
  table: StoredTable,
  staged: readonly Column[],
  records: Pick<Records, 'columns' | 'shapeOf'>,
): Promise<string[]> {
  const key = carriedKey(table, staged)
  if (key.length === 0 || !records.columns.includes(ID_COLUMN)) return []
  const carried = records.shapeOf.length > 0 ? key.map((name) => `r._has_${indexOf(staged, name)}`) : ['TRUE']
  const carriesKey = `(${carried.join(' OR ')})`
  const moved = key.map((name, index) => {
    const column = quoteIdentifier(name)
    return `(${carried[index] ?? 'TRUE'} AND r.${column} IS DISTINCT FROM t.${column})`
  })
  const [byKey, moves] =
    (await session.row(
      `SELECT count(*) FILTER (r._given IS NULL), count(*) FILTER (r._given IS NOT NULL AND ${carriesKey} AND (t._id IS NULL OR ${moved.join(' OR ')})) ` +
        `FROM temp._typed r LEFT JOIN ${tableName(table.id)} t ON t._id = r._given`,
    )) ?? []
  if (Number(byKey) === 0 || Number(moves) === 0) return []
  const starts = await session.rows(
    'SELECT _row FROM (SELECT _row, moves, lag(moves) OVER (ORDER BY _row) AS before FROM (' +
      `SELECT r._row, r._given IS NOT NULL AS moves FROM temp._typed r WHERE r._given IS NULL OR ${carriesKey})) ` +
      'WHERE moves IS DISTINCT FROM before ORDER BY _row',
  )
  const rows = starts.map(([row]) => Number(row))
  return rows.map((row, index) => {
    const end = rows[index + 1]
    return `r._row >= ${index === 0 ? 0 : row}${end === undefined ? '' : ` AND r._row < ${end}`}`
  })
}

function indexOf(staged: readonly Column[], name: string): number {
  return staged.findIndex((column) => column.name === name)
}
