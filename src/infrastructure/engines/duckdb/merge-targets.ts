import { ValidationError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN } from '../../../core/table-schema.ts'
import { quoteIdentifier } from '../sql/quote.ts'
import type { Session } from './client.ts'
import type { StoredTable } from './metadata.ts'
import { tableName } from './store.ts'

interface Targets {
  /** Records whose row exists. */
  matched: number
  /** Records that become new rows; among them those that bring their `_id`, and the highest of these. */
  fresh: number
  numbered: number
  highest: number
}

/** Counts what `_resolved` holds. */
export async function countTargets(session: Session): Promise<Targets> {
  const [matched, fresh, numbered, highest] =
    (await session.row(
      'SELECT count(_target), count(*) FILTER (_target IS NULL), count(_given) FILTER (_target IS NULL), ' +
        'max(_given) FILTER (_target IS NULL) FROM temp._resolved',
    )) ?? []
  return { matched: Number(matched), fresh: Number(fresh), numbered: Number(numbered), highest: Number(highest ?? 0) }
}

/**
 * Finds each record's row: by the `_id` it carries, else by the key. The temporary table `_resolved`.
 *
 * @param part - SQL of which records of the stage `r`.
 */
export async function resolveTargets(
  session: Session,
  table: StoredTable,
  key: readonly string[],
  byId: boolean,
  part: string,
): Promise<void> {
  const name = tableName(table.id)
  const keys = key.map((column) => `k.${quoteIdentifier(column)} = r.${quoteIdentifier(column)}`)
  const joins = [
    ...(byId ? [`LEFT JOIN ${name} i ON i._id = r._given`] : []),
    ...(keys.length > 0
      ? [`LEFT JOIN ${name} k ON ${[...(byId ? ['r._given IS NULL'] : []), ...keys].join(' AND ')}`]
      : []),
  ]
  const targets = [...(byId ? ['i._id'] : []), ...(keys.length > 0 ? ['k._id'] : [])]
  const target = `coalesce(${[...targets, 'NULL::BIGINT'].join(', ')})`
  await session.run(
    `CREATE OR REPLACE TEMP TABLE _resolved AS SELECT r.*, ${target} AS _target FROM temp._typed r ${joins.join(' ')} WHERE ${part}`,
  )
}

/** Several records of one row become one: the last word on each column wins. */
export async function mergeDuplicates(
  session: Session,
  key: readonly string[],
  staged: readonly Column[],
  flags: boolean,
): Promise<void> {
  const id = 'coalesce(_target, _given)'
  const keys = key.map((column) => `CASE WHEN ${id} IS NULL THEN ${quoteIdentifier(column)} END`)
  // A null in the key never equals another: such records stay apart.
  const unkeyed = key.length > 0 ? key.map((column) => `${quoteIdentifier(column)} IS NULL`).join(' OR ') : 'TRUE'
  const grouping = [id, ...keys, `CASE WHEN ${id} IS NULL AND (${unkeyed}) THEN _row END`].join(', ')
  const [duplicate] =
    (await session.row(`SELECT 1 FROM temp._resolved GROUP BY ${grouping} HAVING count(*) > 1 LIMIT 1`)) ?? []
  if (duplicate === undefined) return
  const last = (column: string, flag: string | undefined) =>
    `last(${column} ORDER BY _row)${flag ? ` FILTER (${flag})` : ''} AS ${column}`
  const columns = staged.map(({ name }, index) => last(quoteIdentifier(name), flags ? `_has_${index}` : undefined))
  const merged = flags ? staged.map((_, index) => `bool_or(_has_${index}) AS _has_${index}`) : []
  await session.run(
    `CREATE OR REPLACE TEMP TABLE _resolved AS SELECT min(_row) AS _row, any_value(_given) AS _given, any_value(_target) AS _target, ` +
      `${[...columns, ...merged].join(', ')} FROM temp._resolved GROUP BY ${grouping}`,
  )
}

/** @throws ValidationError in CKAN's words, for the first record of an update that has no row (contract §8.2). */
export async function refuseMissing(session: Session, key: readonly string[], byId: boolean): Promise<void> {
  const shown = ['_given', ...key.map(quoteIdentifier)].map((column) => `CAST(${column} AS VARCHAR)`)
  const missing = await session.row(
    `SELECT ${shown.join(', ')} FROM temp._resolved WHERE _target IS NULL ORDER BY _row LIMIT 1`,
  )
  if (!missing) return
  const [given, ...keys] = missing
  const names = byId && given !== null ? [ID_COLUMN] : key
  const values = byId && given !== null ? [given] : keys
  const shownKey = names.map((name, index) => `'${name}': ${values[index] === null ? 'None' : `'${values[index]}'`}`)
  throw new ValidationError({ key: [`key "{${shownKey.join(', ')}}" not found`] })
}
