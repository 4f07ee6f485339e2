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
  RecordsResult,
  type Rule,
  records,
  resourceId,
  TableSchemaDocument,
} from './shared.ts'

const resourceOrId: Rule = ({ resource, resource_id: id }) => {
  if (resource !== undefined && id !== undefined) return { resource: ['resource cannot be used with resource_id'] }
  if (resource === undefined && id === undefined) return { resource_id: ['resource_id or resource required'] }
  return undefined
}

const packageOfResource: Rule = ({ resource }) => {
  if (resource === undefined) return undefined
  const id = (resource as Record<string, unknown>).package_id
  return typeof id === 'string' && id !== '' ? undefined : { package_id: ['Missing value'] }
}

const oneDeclaration: Rule = ({ schema, fields, primary_key: key }) => {
  if (schema === undefined) return undefined
  if (fields !== undefined) return { schema: ["provide either 'fields' (legacy) or 'schema' (frictionless), not both"] }
  if (key !== undefined) return { primary_key: ["'primary_key' is not allowed with 'schema'; use its 'primaryKey'"] }
  return undefined
}

/** Parameters of datastore_create (contract §8.1, §9.2). */
export const CreateParams = params(
  {
    resource_id: Type.Optional(resourceId()),
    resource: Type.Optional(
      param(JsonObject, 'object', {
        description: 'Instead of `resource_id`: the resource to make in the catalogue first. Needs `package_id`.',
        examples: [{ package_id: 'city-trees', name: 'Trees' }],
      }),
    ),
    schema: Type.Optional(
      param(Type.Unknown(), 'json', {
        description: 'A Frictionless Table Schema: the recommended way to declare columns.',
        examples: [
          {
            fields: [
              { name: 'species', type: 'string' },
              { name: 'height', type: 'number' },
            ],
            primaryKey: 'species',
          },
        ],
      }),
    ),
    fields: Type.Optional(
      param(Type.Array(JsonObject), 'list-of-objects', {
        description: "CKAN's way to declare columns: a list of `{id, type, info}`. Deprecated; use `schema`.",
        examples: [
          [
            { id: 'species', type: 'text' },
            { id: 'height', type: 'numeric' },
          ],
        ],
      }),
    ),
    primary_key: Type.Optional(
      list({ description: 'Columns of the unique key. Empty removes it; absent keeps it. Not with `schema`.' }),
    ),
    aliases: Type.Optional(
      list({ description: 'Other names of the table. Replaces them all; empty removes them; absent keeps them.' }),
    ),
    indexes: Type.Optional(
      param(Type.Array(Type.Array(Type.String())), 'indexes', {
        description: 'Columns to index. An item is a name or a list of names.',
      }),
    ),
    records: Type.Optional(records({ description: 'Rows to append.', examples: [[{ species: 'oak', height: 12.5 }]] })),
    delete_fields: bool({
      description: 'Drop stored columns that `fields` or `schema` does not list.',
      default: false,
    }),
    triggers: Type.Optional(param(Type.Array(JsonObject), 'list-of-objects', { description: 'PostgreSQL only.' })),
    force: force(),
    include_records: bool({ description: 'Answer the stored rows, with their `_id`.', default: false }),
    include_total: bool({ description: "Answer the table's row count.", default: false }),
    calculate_record_count: calculateRecordCount(),
  },
  { unknown: 'warn', rules: [resourceOrId, packageOfResource, oneDeclaration] },
)
export type CreateParams = Static<typeof CreateParams>

export const CreateResult = Type.Object({
  resource_id: Type.String(),
  package_id: Type.Optional(Type.String()),
  fields: Type.Optional(Type.Array(CkanField)),
  schema: Type.Optional(TableSchemaDocument),
  primary_key: Type.Optional(Type.Array(Type.String())),
  method: Type.Optional(Type.Literal('insert')),
  records: Type.Optional(RecordsResult),
  total: Type.Optional(Type.Integer()),
})
export type CreateResult = Static<typeof CreateResult>
