import { ConflictError, ValidationError } from '../../../core/errors.ts'
import type { TablePlan } from '../engine.ts'
import { StaleSchema } from '../engine.ts'
import { forgetDropped } from './external-writes.ts'
import { raised } from './failures.ts'
import type { StoredTable } from './metadata.ts'
import { ALIASES, METADATA } from './names.ts'
import type { Store } from './store.ts'

export async function checkNames(
  store: Store,
  { id, aliases, basedOn }: TablePlan,
  signal?: AbortSignal,
): Promise<void> {
  const names = [...(basedOn === undefined ? [id] : []), ...(aliases ?? [])]
  if (names.length === 0) return
  const page = await store.client.query(
    `SELECT n, (SELECT MIN(resource_id) FROM ${METADATA} WHERE LOWER(resource_id) = LOWER(n)), ` +
      `(SELECT MIN(resource_id) FROM ${ALIASES} WHERE LOWER(alias) = LOWER(n)) FROM UNNEST(JSON_VALUE_ARRAY(@names)) AS n`,
    { params: { names: JSON.stringify(names) }, role: 'write', signal },
  )
  const holders = new Map(
    page.rows.map(({ f }) => [String(f[0]?.v), { table: f[1]?.v ?? undefined, alias: f[2]?.v ?? undefined }]),
  )
  const holder = basedOn === undefined ? holders.get(id) : undefined
  const isDropped = holder?.table === id && (await forgetDropped(store, id))
  if (holder?.table === id && !isDropped) throw new StaleSchema(`table ${id} was made meanwhile`)
  const own = isDropped ? undefined : holder
  // Whose it is would tell a caller of a table that it may not read.
  if (own?.table !== undefined || own?.alias !== undefined) {
    const what = own.table !== undefined ? 'a table' : 'an alias of another table'
    throw new ConflictError(`The name "${id}" is taken by ${what}; upper and lower case don't tell names apart.`)
  }
  for (const alias of aliases ?? []) {
    const holder = holders.get(alias)
    if (holder?.table !== undefined || alias.toLowerCase() === id.toLowerCase())
      throw new ValidationError({ alias: [`"${alias}" already exists`] })
    if (holder?.alias !== undefined && holder.alias !== id)
      throw new ValidationError({ alias: [`The alias "${alias}" already exists.`] })
  }
}

export function takenAlias(error: unknown, { aliases }: StoredTable): unknown {
  return raised(error) === 'taken'
    ? new ValidationError({ alias: [`The alias "${aliases[0]}" already exists.`] }, { cause: error })
    : error
}
