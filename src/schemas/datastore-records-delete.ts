import { type Static, Type } from '@sinclair/typebox'
import { bool, calculateRecordCount, force, JsonObject, param, params, resourceId } from './shared.ts'

/** Parameters of datastore_records_delete (contract §8.4): rows only, never the table. */
export const RecordsDeleteParams = params(
  {
    resource_id: resourceId(),
    filters: param(JsonObject, 'dict', {
      description: 'Which rows to delete; `{}` is all of them.',
      examples: [{ species: 'oak' }],
      nullMistake: 'Must be a dict',
    }),
    force: force(),
    include_deleted_records: bool({ description: 'Answer the deleted rows.', default: false }),
    calculate_record_count: calculateRecordCount(),
  },
  { unknown: 'reject' },
)
export type RecordsDeleteParams = Static<typeof RecordsDeleteParams>

export const RecordsDeleteResult = Type.Object({
  resource_id: Type.String(),
  filters: JsonObject,
  deleted_records: Type.Optional(Type.Array(JsonObject)),
})
export type RecordsDeleteResult = Static<typeof RecordsDeleteResult>
