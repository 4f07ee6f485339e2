import type { Operation } from '../../api/operation.ts'
import { SuccessEnvelope } from '../../schemas/envelope.ts'
import { fileFormats } from '../../services/file-formats.ts'
import type { Example } from './examples.ts'
import { failuresOf, failureWords } from './failures.ts'
import { type JsonSchema, jsonSchema, paramSchema, paramsSchema } from './schema.ts'

/** The parts of the API, as readers look for them. */
export const TAGS = {
  Read: 'Pages, searches and descriptions of tables.',
  Write: 'Tables, records, keys. A call stores all of what it carries, or nothing.',
  Download: 'Whole tables and results as files. One that can not be finished breaks the connection.',
  Load: 'Files of any size into tables.',
  Status: 'What runs here, and whether it is well.',
  'PostgreSQL only': "Actions of CKAN's that need PostgreSQL: answered with 501.",
} as const

/** What a file that is loaded may be. */
const FILE_TYPES = ['text/csv', 'text/tab-separated-values', 'application/json', 'application/x-ndjson']
const BINARY = 'application/vnd.apache.parquet'

/** The methods of one operation. Actions that read can be called both ways; their GET is a row of its own. */
export function pathItem(operation: Operation, examples: readonly Example[]): Record<string, JsonSchema> {
  const ofMethod = (method: string) => examples.filter((example) => methodOf(operation, example) === method)
  const isAction = operation.kind === 'action'
  return {
    ...(operation.readOnly && { get: describeMethod(operation, 'get', ofMethod('get')) }),
    ...((isAction || !operation.readOnly) && { post: describeMethod(operation, 'post', ofMethod('post')) }),
  }
}

/** How an example is sent. */
export function methodOf({ readOnly }: Operation, { request }: Example): 'get' | 'post' {
  return readOnly && request.body === undefined && request.text === undefined ? 'get' : 'post'
}

/** The components that an operation brings. */
export function schemasOf(operation: Operation): Record<string, JsonSchema> {
  const name = componentName(operation)
  return {
    ...(operation.kind === 'action' && { [`${name}Params`]: paramsSchema(operation.params) }),
    ...(isEnveloped(operation) && { [`${name}Result`]: jsonSchema(operation.result) }),
  }
}

function describeMethod(operation: Operation, method: 'get' | 'post', examples: readonly Example[]): JsonSchema {
  const { name, kind, readOnly, summary, permission } = operation
  const isSecond = kind === 'action' && readOnly && method === 'get'
  const parameters = parametersOf(operation, method, examples)
  const body = method === 'post' ? { requestBody: requestBody(operation, examples) } : {}
  return {
    operationId: isSecond ? `${name}_get` : name,
    summary,
    tags: [tagOf(operation)],
    ...(permission !== undefined && { security: permission === 'read' ? [{}, { token: [] }] : [{ token: [] }] }),
    ...(parameters.length > 0 && { parameters }),
    ...body,
    responses: { ...responses(operation, examples) },
  }
}

export function tagOf({ kind, permission, target, readOnly, name }: Operation): keyof typeof TAGS {
  if (kind === 'page') {
    if (permission === undefined) return 'Status'
    return permission === 'read' ? 'Download' : 'Load'
  }
  if (target === 'none' && !readOnly) return 'PostgreSQL only'
  return permission === 'read' || name === 'help_show' ? 'Read' : 'Write'
}

function parametersOf(operation: Operation, method: 'get' | 'post', examples: readonly Example[]): JsonSchema[] {
  const inPath = pathNames(operation)
  const inQuery = operation.kind === 'action' && method === 'post' ? [] : Object.keys(operation.params.properties)
  return [
    ...inPath.map((name) => parameter(operation, name, 'path', examples)),
    ...inQuery.filter((name) => !inPath.includes(name)).map((name) => parameter(operation, name, 'query', examples)),
  ]
}

function pathNames({ paths = [] }: Operation): string[] {
  return [...(paths[0] ?? '').matchAll(/:(\w+)/g)].map(([, name = '']) => name)
}

function parameter(
  { params }: Operation,
  name: string,
  place: 'path' | 'query',
  examples: readonly Example[],
): JsonSchema {
  const { description, ...schema } = paramSchema(params.properties[name] as JsonSchema)
  const shown = examples.flatMap(({ name: key, summary, request }) => {
    const value = (place === 'path' ? request.path : request.query)?.[name]
    return value === undefined ? [] : [[key, { summary, value }]]
  })
  const isJson = isStructured(params.properties[name] as JsonSchema)
  const cases = shown.length > 0 && { examples: Object.fromEntries(shown) }
  return {
    name,
    in: place,
    description,
    ...((place === 'path' || params.required?.includes(name)) && { required: true }),
    ...(isJson
      ? { content: { 'application/json': { schema, ...cases } } }
      : { schema, ...cases, ...(schema.type === 'array' && { explode: false }) }),
  }
}

/** Sent as JSON text in an address. */
function isStructured({ coerce }: JsonSchema): boolean {
  return ['json', 'json-numbers', 'object', 'string-or-object'].includes(String(coerce))
}

function requestBody(operation: Operation, examples: readonly Example[]): JsonSchema {
  if (operation.takesFile) {
    const types = FILE_TYPES.map((type) => [
      type,
      { schema: { type: 'string' }, ...cases(examples, ({ request }) => request.type === type, textOf) },
    ])
    const binary = { [BINARY]: { schema: { type: 'string', format: 'binary' } } }
    return { description: 'The file.', required: true, content: { ...Object.fromEntries(types), ...binary } }
  }
  const schema = { $ref: `#/components/schemas/${componentName(operation)}Params` }
  const shown = cases(
    examples,
    () => true,
    ({ request }) => request.body,
  )
  return { required: true, content: { 'application/json': { schema, ...shown } } }
}

const textOf = ({ request }: Example) => request.text

function cases(
  examples: readonly Example[],
  fits: (example: Example) => boolean,
  value: (example: Example) => unknown,
): JsonSchema {
  const rows = examples
    .filter(fits)
    .map((example) => [example.name, { summary: example.summary, value: value(example) }])
  return rows.length > 0 ? { examples: Object.fromEntries(rows) } : {}
}

function responses(operation: Operation, examples: readonly Example[]): JsonSchema {
  const failed = examples.filter(({ response }) => response.status >= 400)
  const failures: JsonSchema = { ...failuresOf(operation) }
  for (const status of new Set(failed.map(({ response }) => response.status))) {
    const shown = cases(failed, ({ response }) => response.status === status, answerOf)
    const schema = { $ref: '#/components/schemas/Error' }
    failures[status] = {
      description: failureWords(status),
      content: { 'application/json': { schema: status === 400 ? {} : schema, ...shown } },
    }
  }
  const good = examples.filter(({ response }) => response.status < 400)
  const neverGood = tagOf(operation) === 'PostgreSQL only'
  return { ...(neverGood ? {} : { 200: { description: 'Done.', content: contents(operation, good) } }), ...failures }
}

const answerOf = ({ response }: Example) => response.body ?? response.text

function contents(operation: Operation, examples: readonly Example[]): JsonSchema {
  if (isEnveloped(operation)) {
    const result = { $ref: `#/components/schemas/${componentName(operation)}Result` }
    const envelope = jsonSchema(SuccessEnvelope({} as never)) as { properties: JsonSchema }
    const schema = { ...envelope, properties: { ...envelope.properties, result } }
    return { 'application/json': { schema, ...cases(examples, () => true, answerOf) } }
  }
  if (operation.bare) {
    const schema = jsonSchema(operation.result)
    return { 'application/json': { schema, ...cases(examples, () => true, answerOf) } }
  }
  const formats = (operation.params.properties.format?.enum ?? ['csv']) as string[]
  const rows = formats.map((format) => {
    const type = bareType(fileFormats[format]?.contentType ?? '')
    const isText = /^text|json/.test(type)
    const schema = isText ? { type: 'string' } : { type: 'string', format: 'binary' }
    const fits = ({ response }: Example) => bareType(response.type) === type && isText
    return [type, { schema, ...cases(examples, fits, answerOf) }]
  })
  return Object.fromEntries(rows)
}

function bareType(type: string): string {
  return type.split(';', 1)[0] ?? ''
}

/** Its result stands in the envelope, and is described. */
function isEnveloped({ bare, result }: Operation): boolean {
  return !bare && Object.keys(jsonSchema(result)).length > 0
}

/** `datastore_search` → `DatastoreSearch` */
function componentName({ name }: Operation): string {
  return name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
