import { NotImplemented, ValidationError } from '../core/errors.ts'
import { ckanField, ID_COLUMN, UPDATED_AT_COLUMN } from '../core/table-schema.ts'
import type { CallOptions, Table, Written } from '../infrastructure/engines/engine.ts'
import { tableSchema } from '../infrastructure/engines/engine.ts'
import type { CreateParams } from '../schemas/datastore-create.ts'
import type { DeleteParams } from '../schemas/datastore-delete.ts'
import type { RecordsDeleteParams } from '../schemas/datastore-records-delete.ts'
import type { UpsertParams } from '../schemas/datastore-upsert.ts'
import type { Answered, ServiceContext } from './answered.ts'
import { withCurrentTable } from './current-table.ts'
import { fieldName } from './declaration.ts'
import { parseFilters } from './filters.ts'
import type { EncodedRecords } from './records/index.ts'
import { encodeRecords, firstRecord } from './records/index.ts'
import { columnsByName, shownColumns } from './selection.ts'
import { whileStale } from './stale.ts'
import type { Planned } from './table-plan.ts'
import { planTable } from './table-plan.ts'

/** datastore_create: makes or alters a table and appends records, in one transaction (contract §8.1, §9.2). */
export async function create(
  { engine, config }: ServiceContext,
  resourceId: string,
  params: CreateParams,
  options: CallOptions,
): Promise<Answered> {
  if (params.triggers && params.triggers.length > 0)
    throw new NotImplemented('triggers are not available on this server')
  const first = params.records && firstRecord(params.records)
  if (first === 'not an object') throw new ValidationError({ records: ['The first row is not a json object'] })
  return whileStale(async () => {
    const found = await engine.describe(resourceId, { ...options, toWrite: true })
    const table = found?.id === resourceId ? found : undefined
    const planned = planTable(resourceId, table, params, first, config)
    const records = params.records && encodeRecords(params.records, planned.plan.columns, { unknownKey: 'row' })
    const plan = {
      ...planned.plan,
      ...(records && records.count > 0 && { records }),
      ...(params.include_records && { includeRecords: shownColumns(planned.plan, config) }),
    }
    return created(params, planned, await engine.create(plan, options), records)
  })
}

function created(
  params: CreateParams,
  { declaration, warnings }: Planned,
  written: Written,
  records: EncodedRecords | undefined,
): Answered {
  const table = written.table as Table
  const declared = new Map(declaration.columns.map((column) => [column.name, column]))
  const fields =
    params.schema === undefined
      ? params.fields?.map((field) => ({
          ...field,
          id: fieldName(field.id),
          type: field.type ?? declared.get(fieldName(field.id) as string)?.declaredType,
        }))
      : declaration.columns.map(ckanField)
  return {
    result: {
      resource_id: table.id,
      ...(fields && { fields }),
      schema: tableSchema(table),
      primary_key: table.primaryKey,
      delete_fields: params.delete_fields,
      calculate_record_count: params.calculate_record_count,
      method: 'insert',
      ...(params.include_total && { total: table.count }),
    },
    ...recordsOf(params.include_records, written),
    warnings: [...warnings, ...(records?.warnings ?? []), ...written.warnings],
    rows: written.affected,
  }
}

function recordsOf(asked: boolean | undefined, { records }: Written): Pick<Answered, 'records' | 'recordsAs'> {
  return asked ? { records: records ?? new Uint8Array(), recordsAs: 'array' } : {}
}

/** datastore_upsert: upserts, inserts or updates records, all or none (contract §8.2). */
export async function upsert(
  { engine, config }: ServiceContext,
  table: Table,
  params: UpsertParams,
  options: CallOptions,
): Promise<Answered> {
  const method = params.method ?? 'upsert'
  const { written, records } =
    params.records && method !== ''
      ? await withCurrentTable(engine, table, options, (current) =>
          store(current, method, params.records as Uint8Array),
        )
      : { written: undefined, records: undefined }

  async function store(current: Table, way: 'upsert' | 'insert' | 'update', bytes: Uint8Array) {
    const byKey = way !== 'insert'
    const records = encodeRecords(bytes, current.columns, {
      unknownKey: byKey ? 'field' : 'row',
      idKey: byKey,
      // A record may be written back as it was read.
      ignore: current.hasUpdatedAt ? [UPDATED_AT_COLUMN] : [],
    })
    if (byKey) checkKeys(current, records)
    if (records.count === 0) return { written: undefined, records }
    const plan = {
      id: current.id,
      basedOn: current.schemaRevision,
      method: way,
      records,
      ...(params.include_records && { includeRecords: shownColumns(current, config) }),
    }
    return { written: await engine.upsert({ ...plan, ...(params.dry_run && { dryRun: true }) }, options), records }
  }

  const stored = written?.table ?? table
  return {
    result: {
      resource_id: table.id,
      ...(params.method !== undefined && { method: params.method }),
      ...(params.dry_run !== undefined && { dry_run: params.dry_run }),
      calculate_record_count: params.calculate_record_count,
      ...(params.include_total && { total: stored.count }),
    },
    ...recordsOf(params.include_records, written ?? { table: stored, affected: 0, warnings: [] }),
    warnings: [...(records?.warnings ?? []), ...(written?.warnings ?? [])],
    rows: written?.affected ?? 0,
  }
}

/** Each record must carry `_id` or the whole key; CKAN's message has the line break in it (contract §8.2). */
function checkKeys({ primaryKey }: Table, { count, shapes, shapeOf }: EncodedRecords): void {
  for (const [index, shape] of shapes.entries()) {
    if (count === 0 || shape.includes(ID_COLUMN)) continue
    if (primaryKey.length === 0) throw new ValidationError({ table: ['unique key must be passed for update/upsert'] })
    const missing = primaryKey.filter((name) => !shape.includes(name))
    if (missing.length === 0) continue
    const sentence = `fields "${missing.join(', ')}" are missing\n                            but needed as key`
    throw new ValidationError({ key: [sentence], records_row: shapeOf.length === 0 ? 0 : shapeOf.indexOf(index) })
  }
}

/** datastore_delete: rows with `filters`, columns with `fields`, else the table (contract §8.3, §9.5). */
export async function deleteTableOrRows(
  context: ServiceContext,
  table: Table,
  params: DeleteParams,
  options: CallOptions,
): Promise<Answered> {
  if (params.filters) return deleteRows(context, table, params.filters, params.include_deleted_records, options)
  if (params.fields) return deleteColumns(context, table, params.fields, options)
  await context.engine.delete({ id: table.id, what: 'table' }, options)
  return { result: { resource_id: table.id }, warnings: [] }
}

/** datastore_records_delete: rows only, never the table (contract §8.4). */
export function deleteRecords(
  context: ServiceContext,
  table: Table,
  params: RecordsDeleteParams,
  options: CallOptions,
): Promise<Answered> {
  return deleteRows(context, table, params.filters, params.include_deleted_records, options)
}

async function deleteRows(
  { engine, config }: ServiceContext,
  table: Table,
  filters: Record<string, unknown>,
  includeDeleted: boolean,
  options: CallOptions,
): Promise<Answered> {
  const refuseValue = (sentence: string) => new ValidationError({ filters: [sentence] })
  const written = await withCurrentTable(engine, table, options, (current) => {
    const filter = parseFilters(filters, columnsByName(current), refuseValue)
    const columns = shownColumns(current, config)
    const limit = config.searchResultRowsMax
    const answered = includeDeleted ? { includeDeleted: { columns, limit } } : {}
    return engine.delete(
      { id: current.id, what: 'rows', basedOn: current.schemaRevision, filter, ...answered },
      options,
    )
  }).catch((error) => {
    throw error instanceof ValidationError && 'query' in error.detail
      ? new ValidationError({ filters: error.detail.query }, { cause: error })
      : error
  })
  return {
    result: { resource_id: table.id, filters },
    ...recordsOf(includeDeleted, written),
    ...(includeDeleted && { recordsKey: 'deleted_records' as const }),
    warnings: [...written.warnings],
    rows: written.affected,
  }
}

async function deleteColumns(
  { engine }: ServiceContext,
  table: Table,
  names: readonly string[],
  options: CallOptions,
): Promise<Answered> {
  const written = await withCurrentTable(engine, table, options, (current) => {
    const columns = [...new Set(names)]
    for (const name of columns) checkDroppable(current, name)
    return engine.delete({ id: current.id, what: 'columns', basedOn: current.schemaRevision, columns }, options)
  })
  const left = written.table as Table
  return {
    result: { resource_id: table.id, fields: names, schema: tableSchema(left) },
    warnings: [...written.warnings],
  }
}

function checkDroppable(table: Table, name: string): void {
  const sentence = !table.columns.some((column) => column.name === name)
    ? `invalid value "${name}"`
    : table.primaryKey.includes(name)
      ? `"${name}" is part of the primary key and can't be dropped`
      : undefined
  if (sentence !== undefined) throw new ValidationError({ fields: [sentence] })
}
