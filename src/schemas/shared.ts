import { type SchemaOptions, type TObject, type TProperties, type TSchema, Type } from '@sinclair/typebox'
import type { ErrorDetail } from '../core/errors.ts'
import type { CoercerName } from './coerce.ts'

/** What a parameter's schema says beside JSON Schema: how the value is read from what was sent. */
export interface ParamOptions extends SchemaOptions {
  /** Another name of the same parameter (contract §1.5). */
  alias?: string
  /** An empty string counts as absent. So it does wherever there is a default. */
  blankIsAbsent?: boolean
  /** What null is answered with, where the parameter is required. */
  nullMistake?: string
}

/** What happens to parameters that an action does not know (contract §10.2 row 7). */
export type UnknownPolicy = 'reject' | 'warn' | 'ignore'

/** A rule over several parameters: answers what is wrong, or undefined. */
export type Rule = (params: Record<string, unknown>) => ErrorDetail | undefined

interface ParamsOptions extends SchemaOptions {
  unknown: UnknownPolicy
  rules?: readonly Rule[]
}

/** The parameters of one action. In the static type those with a default are always there; a request may leave them out. */
export function params<T extends TProperties>(properties: T, options: ParamsOptions): TObject<T> {
  const schema: TObject<T> = Type.Object(properties, options)
  const required = (schema.required as string[] | undefined)?.filter((name) => properties[name]?.default === undefined)
  return Object.assign(schema, { required })
}

/** One parameter: the schema of its coerced form, and the coercer that gets there (contract §1.4). */
export function param<T extends TSchema>(schema: T, coerce: CoercerName, options: ParamOptions = {}): T {
  return { ...schema, coerce, ...options }
}

export const bool = (options?: ParamOptions) => param(Type.Boolean(), 'bool', options)
export const string = (options?: ParamOptions) => param(Type.String(), 'string', options)
export const natural = (options?: ParamOptions) => param(Type.Integer({ minimum: 0 }), 'natural', options)
export const offset = (options?: ParamOptions) => param(Type.Integer({ minimum: 0 }), 'offset', options)
export const list = (options?: ParamOptions) => param(Type.Array(Type.String()), 'list', options)
export const clauses = (options?: ParamOptions) => param(Type.Array(Type.String()), 'clauses', options)

/** One of some words. An empty string passes, as in CKAN. */
export function oneOf<const T extends readonly string[]>(choices: T, options?: ParamOptions) {
  return param(Type.Unsafe<T[number]>({ type: 'string', enum: [...choices] }), 'one-of', options)
}

/** What to do with a download that the engine makes several files of. */
export const parts = () =>
  Type.Optional(
    oneOf(['zip'], {
      description: 'Only with `format=parquet`: a zip file, in which large tables may be several Parquet files.',
    }),
  )

/** Any JSON object. */
export const JsonObject = Type.Record(Type.String(), Type.Unknown())

export const resourceId = (options?: ParamOptions) =>
  string({ description: 'Id of the resource.', examples: ['trees'], alias: 'id', ...options })

export const force = () =>
  bool({ description: 'Write although the resource is read-only in the catalogue.', default: false })

/** The bytes of a JSON array of objects. They never become JavaScript objects. */
export const records = (options?: ParamOptions) =>
  param(
    Type.Unsafe<Uint8Array>({ type: 'array', items: { type: 'object', additionalProperties: true } }),
    'records',
    options,
  )

export const calculateRecordCount = () =>
  param(Type.Union([Type.Boolean(), Type.Literal('background')]), 'bool-or-background', {
    description: 'Accepted for old clients. Counts are always exact here.',
    default: 'background',
  })

export const filters = (options?: ParamOptions) =>
  param(Type.Unknown(), 'json-numbers', {
    description:
      'Which rows: `{"column": value}`, a list of values, a range such as `{"gte": 1, "lt": 5}`, `$or` and `$and`. ' +
      'A list of objects matches rows that match any of them.',
    examples: [{ species: ['oak', 'elm'], height: { gte: 3 } }],
    ...options,
  })

export const textQuery = () =>
  param(Type.Union([Type.String(), JsonObject]), 'string-or-object', {
    description: 'Full-text search in the whole row (text) or by column (an object `{"column": "text"}`).',
    examples: ['oak', { species: 'oak' }],
  })

/** What search and dump share. */
export const selection = {
  filters: Type.Optional(filters()),
  q: Type.Optional(textQuery()),
  full_text: Type.Optional(string({ description: 'Full-text search in the whole row, beside a `q` by column.' })),
  plain: Type.Optional(
    bool({
      description:
        'True (the default): all words. False: PostgreSQL tsquery operators such as `oak | elm` and `tre:*`.',
    }),
  ),
  language: Type.Optional(
    string({ description: 'Text-search configuration. `english` by default.', examples: ['english'] }),
  ),
  distinct: Type.Optional(bool({ description: 'Only rows that differ in the chosen columns.' })),
  sort: Type.Optional(
    clauses({
      description: 'Comma list of `column [asc|desc] [nulls first|last]`. By `_id` by default.',
      examples: [['species', 'height desc nulls last']],
    }),
  ),
}

/** Which version of a table is read. */
export const version = {
  revision: Type.Optional(
    natural({
      description: 'Read the table as it was at this revision, one of those that datastore_info lists.',
      examples: [1767225600001],
    }),
  ),
  as_of: Type.Optional(
    param(Type.String(), 'moment', {
      description: 'Read the table as it was at this time: ISO 8601, UTC unless an offset says otherwise.',
      examples: ['2026-01-31T12:00:00Z'],
    }),
  ),
}

export const oneVersion: Rule = ({ revision, as_of }) =>
  revision !== undefined && as_of !== undefined ? { as_of: ['as_of cannot be used with revision'] } : undefined

/** A column as CKAN lists it. */
export const CkanField = Type.Object({ id: Type.String(), type: Type.String(), info: Type.Optional(JsonObject) })

/** A Frictionless Table Schema. Unknown properties are kept. */
export const TableSchemaDocument = Type.Object({
  fields: Type.Array(Type.Object({ name: Type.String(), type: Type.Optional(Type.String()) })),
  primaryKey: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
})

/** Stored rows: a list, or one string for csv and tsv. */
export const RecordsResult = Type.Union([
  Type.Array(Type.Union([JsonObject, Type.Array(Type.Unknown())])),
  Type.String(),
])
