import { type Static, Type } from '@sinclair/typebox'
import {
  bool,
  CkanField,
  JsonObject,
  list,
  natural,
  offset,
  oneOf,
  oneVersion,
  param,
  params,
  RecordsResult,
  resourceId,
  selection,
  TableSchemaDocument,
  version,
} from './shared.ts'

/** Parameters of datastore_search (contract §8.5, §7). */
export const SearchParams = params(
  {
    resource_id: resourceId({ description: 'Id or alias of the table.' }),
    ...selection,
    fields: Type.Optional(
      list({ description: 'Columns to answer, in this order. All by default.', examples: [['species', 'height']] }),
    ),
    limit: Type.Optional(
      natural({ description: "Rows to answer. The server's settings give the default and the most; 0 only counts." }),
    ),
    offset: Type.Optional(offset({ description: 'Rows to skip.' })),
    include_total: bool({ description: 'Count all rows that match.', default: true }),
    include_next_page: bool({
      description: 'Answer a filter for the page after this one, where rows come in `_id` order.',
      default: false,
    }),
    records_format: oneOf(['objects', 'lists', 'csv', 'tsv'], {
      description: 'How rows are written.',
      default: 'objects',
    }),
    total_estimation_threshold: Type.Optional(
      param(Type.Integer(), 'int', { description: 'Accepted for old clients. Totals are always exact here.' }),
    ),
    ...version,
  },
  { unknown: 'reject', rules: [oneVersion] },
)
export type SearchParams = Static<typeof SearchParams>

/** Where else in a result to go, as absolute URLs where they are short enough to be asked for (contract §9.6). */
export const Links = Type.Object({
  start: Type.Optional(Type.String()),
  prev: Type.Optional(Type.String()),
  next: Type.Optional(Type.String()),
  page_size: Type.Optional(Type.Integer()),
  page: Type.Optional(Type.Integer()),
  total_pages: Type.Optional(Type.Integer()),
})
export type Links = Static<typeof Links>

export const SearchResult = Type.Object({
  resource_id: Type.String(),
  revision: Type.Optional(Type.Integer()),
  as_of: Type.Optional(Type.String()),
  schema: Type.Optional(TableSchemaDocument),
  fields: Type.Array(CkanField),
  records_format: Type.Union([
    Type.Literal('objects'),
    Type.Literal('lists'),
    Type.Literal('csv'),
    Type.Literal('tsv'),
  ]),
  records: RecordsResult,
  limit: Type.Integer({ minimum: 0 }),
  offset: Type.Integer({ minimum: 0 }),
  include_total: Type.Boolean(),
  total: Type.Optional(Type.Integer({ minimum: 0 })),
  total_was_estimated: Type.Optional(Type.Literal(false)),
  next_page: Type.Optional(JsonObject),
  _links: Links,
})
export type SearchResult = Static<typeof SearchResult>
