import { type Static, Type } from '@sinclair/typebox'
import { bool, JsonObject, params, resourceId, TableSchemaDocument } from './shared.ts'

/** Parameters of datastore_info (contract §8.7). */
export const InfoParams = params(
  {
    resource_id: resourceId({ description: 'Id or alias of the table.' }),
    include_meta: bool({
      description:
        'Answer `meta`: counts, sizes, aliases; and `revisions`, the last ones that can be read, where any are kept.',
      default: true,
    }),
    include_fields_schema: bool({
      description: "Answer each field's `schema`: its native type, indexes, keys.",
      default: true,
    }),
  },
  { unknown: 'ignore' },
)
export type InfoParams = Static<typeof InfoParams>

export const InfoResult = Type.Object({
  meta: Type.Optional(
    Type.Object({
      id: Type.String(),
      count: Type.Integer({ minimum: 0 }),
      table_type: Type.String(),
      size: Type.Integer(),
      db_size: Type.Integer(),
      idx_size: Type.Integer(),
      aliases: Type.Array(Type.String()),
      resource_id: Type.String(),
      total: Type.Integer({ minimum: 0 }),
      primary_key: Type.Array(Type.String()),
    }),
  ),
  revisions: Type.Optional(Type.Array(Type.Object({ revision: Type.Integer(), committed_at: Type.String() }))),
  schema: Type.Optional(TableSchemaDocument),
  fields: Type.Array(
    Type.Object({
      id: Type.String(),
      type: Type.String(),
      info: Type.Optional(JsonObject),
      schema: Type.Optional(JsonObject),
    }),
  ),
})
export type InfoResult = Static<typeof InfoResult>
