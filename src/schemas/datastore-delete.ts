import { type Static, Type } from '@sinclair/typebox'
import {
  bool,
  CkanField,
  calculateRecordCount,
  force,
  JsonObject,
  list,
  param,
  params,
  type Rule,
  resourceId,
  TableSchemaDocument,
} from './shared.ts'

const rowsOrColumns: Rule = ({ filters, fields }) =>
  filters !== undefined && fields !== undefined ? { fields: ['fields cannot be used with filters'] } : undefined

const someColumns: Rule = ({ fields }) =>
  Array.isArray(fields) && fields.length === 0 ? { fields: ["'fields' must not be empty"] } : undefined

/** Parameters of datastore_delete (contract §8.3, §9.5). Unknown ones are refused: a misspelt name must not drop a table. */
export const DeleteParams = params(
  {
    resource_id: resourceId(),
    filters: Type.Optional(
      param(JsonObject, 'dict-or-null', {
        description:
          'Which rows to delete; `{}` is all of them. Without `filters` and `fields` the table itself is dropped.',
        examples: [{ species: 'oak' }],
      }),
    ),
    fields: Type.Optional(list({ description: 'Columns to drop, instead of rows.' })),
    force: force(),
    include_deleted_records: bool({ description: 'Answer the deleted rows.', default: false }),
    calculate_record_count: calculateRecordCount(),
  },
  { unknown: 'reject', rules: [rowsOrColumns, someColumns] },
)
export type DeleteParams = Static<typeof DeleteParams>

export const DeleteResult = Type.Object({
  resource_id: Type.String(),
  filters: Type.Optional(JsonObject),
  deleted_records: Type.Optional(Type.Array(JsonObject)),
  fields: Type.Optional(Type.Array(Type.Union([Type.String(), CkanField]))),
  schema: Type.Optional(TableSchemaDocument),
})
export type DeleteResult = Static<typeof DeleteResult>
