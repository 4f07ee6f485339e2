import type { Static, TObject, TSchema } from '@sinclair/typebox'
import type { Decision, Permission } from '../auth/provider.ts'
import type { Config } from '../core/config.ts'
import type { Bytes, Table } from '../infrastructure/engines/engine.ts'
import type { RawParams } from '../schemas/read-params.ts'
import type { Readable } from '../services/table-metadata.ts'
import type { Context } from './context.ts'
import type { Encoding } from './versions.ts'

/** What an operation is about, and so what the boundary policy asks before it runs; see `auth.ts`. */
export interface Grants {
  /** Nothing that belongs to anybody. */
  none: undefined
  /** A stored table by id or alias, to read, as it is or in the version that is asked for. */
  table: { table: Table; decision: Decision }
  /** The same, by a name that may end as a file's does (`trees.csv`), and then in that format. */
  download: { table: Table; decision: Decision; format?: string }
  /** The same as `table`, or the list of tables, of which each is asked about by itself. */
  searchable: { table: Table; decision: Decision } | { listing: Readable }
  /** A stored table by its id, to change, or to read what only those may who change it. */
  resource: { table: Table; decision: Decision }
  /** A table that may not be there yet: on a resource, or on a package that gets a new one. */
  declaration: { decision: Decision }
  /** A table to fill, or one to make. */
  load: { table?: Table; decision: Decision }
  /** Whatever tables a statement turns out to read: each is asked about by itself. */
  statement: { authorizeTable(table: Table): Promise<void> }
}

export type Target = keyof Grants

/** What a handler is given. */
export interface Input<Params> {
  context: Context
  params: Params
  /** Parameters that the action does not know. */
  extras: Record<string, unknown>
  /** What was sent, before coercion, for links that repeat it. */
  raw: RawParams
}

/** A successful answer, before it becomes an envelope. */
export interface Answer {
  result: unknown
  /** Records that are put into the result as they are: items of a list, or the text of a string. */
  splice?: { key: string; bytes: Bytes; as: 'array' | 'string' }
  warnings?: readonly string[]
  rows?: number
  headers?: Readonly<Record<string, string>>
}

/** An answer as it goes out. */
export interface Reply {
  status: number
  headers: Record<string, string>
  body: Bytes | null
  rows?: number
  /** Where its compressed forms are kept. */
  encoded?: { known(encoding: Encoding): Uint8Array | undefined; keep(encoding: Encoding, bytes: Uint8Array): void }
}

/** One row of the operation table. */
export interface Operation<Params extends TObject = TObject, T extends Target = Target> {
  name: string
  /** For `help_show` and the API's description. */
  summary: string
  /** Actions are called by name under `/api/3/action/`; pages have paths of their own. */
  kind: 'action' | 'page'
  /** Paths of a page. */
  paths?: readonly string[]
  /** May also be called with GET. */
  readOnly: boolean
  /** Its body is a file, which it reads itself. */
  takesFile?: boolean
  /** What the caller must be allowed. Absent where nothing belongs to anybody. */
  permission?: Permission
  target: T
  params: Params
  result: TSchema
  /** Absent for those who may not read it: a denial is a 404 (contract §3.1). */
  hidesDenial?: boolean
  /** How a missing table is called. */
  noun?: 'Resource' | 'Resource/Alias'
  /** The answer depends on the table's revision and the request alone: it may be kept and given again. */
  remembered?: boolean
  /** Its result is the whole body, without an envelope. */
  bare?: boolean
  /** For this server's own pages: no part of the API that is described. */
  internal?: boolean
  /** False: settings turn it off, and nobody knows it. */
  enabled?(config: Config): boolean
  handle(input: Input<Static<Params>>, grant: Grants[T]): Promise<Answer | Reply>
}

/** The address of an operation as it is written in the log and in the API's description. */
export function routeOf({ kind, name, paths }: Operation): string {
  return kind === 'action' ? `/api/3/action/${name}` : (paths?.[0] ?? name)
}

/** The same as OpenAPI writes it: `{resource_id}`. */
export function pathTemplate(operation: Operation): string {
  return routeOf(operation).replace(/:(\w+)/g, '{$1}')
}
