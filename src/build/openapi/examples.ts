import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the examples are: a folder for each operation, a file for each case. */
export const EXAMPLES = 'src/schemas/examples'

/** A call of an operation, and what it is answered: shown in the API's description, and run by a test. */
export interface Example {
  operation: string
  name: string
  summary: string
  /** Examples that are run before it, as `operation/case`. */
  given: readonly string[]
  request: ExampleRequest
  response: ExampleResponse
}

/** `body` is sent as JSON, by POST; `text` as a file of `type`; without either it is a GET. */
export interface ExampleRequest {
  path?: Record<string, string>
  query?: Record<string, unknown>
  body?: unknown
  type?: string
  text?: string
}

/** `body` is JSON; `text` is anything else that can be read. A file of bytes has neither. */
export interface ExampleResponse {
  status: number
  type: string
  body?: unknown
  text?: string
}

/** What an example starts from, unless it says so. */
const TREES = ['datastore_create/schema']

/** Every example, in order of names; of each operation those that end well first. */
export function readExamples(root: string): Example[] {
  return readdirSync(join(root, EXAMPLES))
    .sort()
    .flatMap((operation) =>
      readdirSync(join(root, EXAMPLES, operation))
        .sort()
        .map((file) => readExample(root, operation, file.replace(/\.json$/, '')))
        .sort((a, b) => Number(isFailure(a)) - Number(isFailure(b))),
    )
}

/** One that was not recorded yet has no response. */
function isFailure({ response }: Partial<Example>): boolean {
  return response !== undefined && response.status >= 400
}

function readExample(root: string, operation: string, name: string): Example {
  const stored = JSON.parse(readFileSync(examplePath(root, operation, name), 'utf8'))
  return { operation, name, given: TREES, ...stored }
}

export function examplePath(root: string, operation: string, name: string): string {
  return join(root, EXAMPLES, operation, `${name}.json`)
}

/** The values of a query as texts: of a list its items with commas between, of what else is no text JSON. */
export function queryPairs(query: Readonly<Record<string, unknown>> = {}): [string, string][] {
  return Object.entries(query).map(([name, value]) => [name, asText(value)])
}

function asText(value: unknown): string {
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
