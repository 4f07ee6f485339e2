/** A call: an action with its parameters, or a request line (`GET /path`, `POST /path {json}`) with what else it needs. */
export type Call = readonly [action: string, params?: object | string, headers?: Headers] | string | RequestCall

type Headers = Readonly<Record<string, string>>

export interface RequestCall {
  line: string
  headers?: Headers
  body?: BodyInit
}

/** What an answer must be. Whatever is not said may be anything; the envelope is checked always. */
export interface Expected {
  /** 200, or 409 where `error` is given. */
  status?: number
  /** `error.__type`. */
  type?: string
  /** Part of `result`. */
  result?: unknown
  /** `result.records`, whole. */
  records?: unknown
  /** `result.fields`, whole. */
  fields?: unknown
  /** Part of `error`. */
  error?: unknown
  /** Part of the JSON body. */
  body?: unknown
  /** The body's text: whole, or a pattern. */
  text?: string | RegExp
  headers?: Readonly<Record<string, unknown>>
  /** What a warning must say; false: there is none. */
  warning?: RegExp | false
  /** Whatever else must hold: throws when it does not. */
  check?: (answer: Answer) => void
}

export interface Answer {
  status: number
  headers: Headers
  text: string
  bytes: Uint8Array
  /** The JSON body, if it is one. */
  body: unknown
  /** `body.result`, for checks. */
  // biome-ignore lint/suspicious/noExplicitAny: checks of parts read better without casts
  result: any
}

/** Settings that a case needs, by the names of environment variables. */
export type Settings = Readonly<Record<string, string>>

/**
 * One point of contract.md. In calls and expectations `$id` stands for a resource of the case's own, and an action
 * without `resource_id`, `id` or `resource` gets that one.
 */
export interface ContractCase extends Expected {
  /** Begins with its section: `§7 sort nulls first`; or with `clients`. */
  name: string
  /** Calls that must succeed. */
  setup?: readonly Call[]
  call: Call
  /** Calls afterwards, each with what it must answer. */
  then?: readonly (readonly [Call, Expected])[]
  env?: Settings
  /** Also in the short form, for engines and runtimes that share most of the code. */
  smoke?: true
}

/** A resource's declaration and records in one call, the way most cases begin. */
export function table(fields: string, records: readonly object[] = [], more: object = {}): Call {
  const columns = fields.split(/,\s*(?![^(]*\))/).map((field) => {
    const [id, ...type] = field.split(' ')
    return { id, ...(type.length > 0 && { type: type.join(' ') }) }
  })
  return ['create', { fields: columns, ...(records.length > 0 && { records }), ...more }]
}
