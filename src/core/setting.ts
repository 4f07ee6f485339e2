import {
  type ArrayOptions,
  type NumberOptions,
  type SchemaOptions,
  type StringOptions,
  type TSchema,
  Type,
} from '@sinclair/typebox'

/** The headings under which the settings are documented, in this order. */
export const GROUPS = {
  server: 'Server',
  pages: 'Pages for people',
  storage: 'Storage',
  lake: 'A lake (`DATASTORE_ENGINE=ducklake`)',
  reads: 'Searches and SQL',
  auth: 'Who may do what',
  ckan: 'CKAN (`AUTH_TYPE=ckan`)',
  jwt: 'JSON Web Tokens (`AUTH_TYPE=jwt`)',
  bigquery: 'BigQuery (`DATASTORE_ENGINE=bigquery`)',
  operations: 'Operations',
} as const

/** How a text that is more than a plain JSON type is read; see `readers` in `config.ts`. */
export type Reader = 'address' | 'list' | 'path' | 'pem' | 'proxies' | 'upper'

/** What the docs and the start say about a setting. */
export interface Setting {
  env: string
  group: keyof typeof GROUPS
  /** One sentence or two, Markdown. */
  description: string
  /** What `must be …` says, where the schema alone can't. */
  expected?: string
  /** What the docs show where there is no default. */
  unset?: string
  example?: string
  reads?: Reader
  /** Never printed. */
  secret?: boolean
  /** Also in the README's short table. */
  common?: boolean
}

/** What every address of a service must be. */
export const httpAddress = {
  reads: 'address',
  pattern: '^https?://[^\\s/?#@]+(/[^\\s?#@]*)?$',
  expected: 'an http:// or https:// address without a user name, a query or a fragment',
} as const

export const text = (setting: Setting & StringOptions) => Type.String(setting)
export const whole = (setting: Setting & NumberOptions) => Type.Integer(setting)
export const decimal = (setting: Setting & NumberOptions) => Type.Number(setting)
export const flag = (setting: Setting & SchemaOptions) => Type.Boolean(setting)
/** One of a few words. */
export const word = <N extends string>(words: readonly N[], setting?: Setting & SchemaOptions) =>
  Type.Unsafe<N>(Type.String({ expected: `one of ${words.join(', ')}`, ...setting, pattern: `^(${words.join('|')})$` }))
export const list = <T extends TSchema>(items: T, setting: Setting & ArrayOptions) => Type.Array(items, setting)
export const choice = <T extends TSchema[]>(choices: [...T], setting: Setting & SchemaOptions) =>
  Type.Union(choices, setting)
export const optional = Type.Optional
