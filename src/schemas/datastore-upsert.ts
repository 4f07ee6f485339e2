import { type Static, Type } from '@sinclair/typebox'
import { bool, calculateRecordCount, force, oneOf, params, RecordsResult, records, resourceId } from './shared.ts'

/** Parameters of datastore_upsert (contract §8.2, §9.4). */
export const UpsertParams = params(
  {
    resource_id: resourceId(),
    records: Type.Optional(
      records({ description: 'Rows to store. None is no mistake.', examples: [[{ species: 'oak', height: 13 }]] }),
    ),
    method: Type.Optional(
      oneOf(['upsert', 'insert', 'update'], {
        description:
          '`upsert` (the default) updates rows of the same key and inserts the others; `insert` refuses known keys; `update` refuses unknown ones.',
      }),
    ),
    force: force(),
    dry_run: Type.Optional(bool({ description: 'Check everything and store nothing.' })),
    include_records: bool({ description: 'Answer the stored rows, with their `_id`.', default: false }),
    include_total: bool({ description: "Answer the table's row count.", default: false }),
    calculate_record_count: calculateRecordCount(),
  },
  { unknown: 'warn' },
)
/** `method` is also `''` where a client sent that: such a call changes nothing. */
export type UpsertParams = Omit<Static<typeof UpsertParams>, 'method'> & {
  method?: 'upsert' | 'insert' | 'update' | ''
}

export const UpsertResult = Type.Object({
  resource_id: Type.String(),
  method: Type.Optional(Type.String()),
  dry_run: Type.Optional(Type.Boolean()),
  records: Type.Optional(RecordsResult),
  total: Type.Optional(Type.Integer()),
})
export type UpsertResult = Static<typeof UpsertResult>
