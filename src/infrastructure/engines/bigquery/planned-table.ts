import type { Column } from '../../../core/table-schema.ts'
import type { TablePlan } from '../engine.ts'
import type { StoredTable } from './metadata.ts'
import { storedColumn } from './names.ts'
import { firstRevision, now } from './store.ts'

/** What a table is to be, before any row is written. */
export function plannedTable(plan: Omit<TablePlan, 'records'>, current: StoredTable | undefined): StoredTable {
  const time = now()
  const revision = current ? current.revision + 1 : firstRevision()
  return {
    id: plan.id,
    columns: plan.columns,
    primaryKey: plan.primaryKey,
    indexes: plan.indexes,
    schemaProperties: plan.schemaProperties,
    aliases: plan.aliases ?? current?.aliases ?? [],
    hasUpdatedAt: plan.hasUpdatedAt,
    hidden: current?.hidden ?? [],
    removed: current ? removedColumns(current, plan.columns) : [],
    nextId: current?.nextId ?? 1,
    count: current?.count ?? 0,
    revision,
    schemaRevision: revision,
    createdAt: current?.createdAt ?? time,
    updatedAt: time,
  }
}

/** Columns that are deleted by now, and what may be left of earlier ones. */
export function removedColumns(current: StoredTable, columns: readonly Column[]): string[] {
  const stays = new Set(columns.map(({ name }) => storedColumn(name)))
  const before = [...current.removed, ...current.columns.map(({ name }) => storedColumn(name))]
  return [...new Set(before)].filter((name) => !stays.has(name))
}

export function declaresAnew(columns: readonly Column[], current: StoredTable | undefined): boolean {
  const known = new Map((current?.columns ?? []).map(({ name, field }) => [name, JSON.stringify(field.constraints)]))
  return columns.some(
    ({ name, field }) => field.constraints !== undefined && known.get(name) !== JSON.stringify(field.constraints),
  )
}

export function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
