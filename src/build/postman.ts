import { convertV2 } from 'openapi-to-postmanv2'
import { pathTemplate } from '../api/operation.ts'
import { operations } from '../api/routes.ts'
import { describeApi } from './openapi/document.ts'
import { type Example, queryPairs, readExamples } from './openapi/examples.ts'
import { methodOf, TAGS, tagOf } from './openapi/operation.ts'
import type { JsonSchema } from './openapi/schema.ts'
import type { Output } from './output.ts'

export const COLLECTION = 'postman/collection.json'

/** One request, or a folder of them. */
interface Item {
  name: string
  item?: Item[]
  request?: JsonSchema
  response?: JsonSchema[]
}

type Described = { [path: string]: { [method: string]: JsonSchema } }

const OPTIONS = { folderStrategy: 'Paths', parametersResolution: 'Example', includeAuthInfoInExample: false }

/**
 * Writes a Postman collection of the API's description: a request for each example, with the answer that it gets.
 * The library makes one request of an operation, so each example is given to it as an API of its own.
 */
export async function postmanCollection(root: string): Promise<Output[]> {
  const document = describeApi(root)
  const examples = readExamples(root)
  const folders = Object.entries(TAGS).map(([name, description]) => ({ name, description, item: [] as Item[] }))
  for (const operation of operations) {
    const tag = tagOf(operation)
    const item: Item[] = []
    for (const example of examples.filter((row) => row.operation === operation.name)) {
      const [path, method] = [pathTemplate(operation), methodOf(operation, example)]
      const described = (document.paths as Described)[path]?.[method] as JsonSchema
      item.push(await requestOf(document, path, method, only(described, example)))
    }
    if (item.length > 0) folders.find(({ name }) => name === tag)?.item.push({ name: operation.name, item })
  }
  return [{ path: COLLECTION, text: `${JSON.stringify(collection(document, folders), null, 2)}\n` }]
}

function collection(document: JsonSchema, item: readonly object[]): JsonSchema {
  const { title, version, description } = document.info as Record<string, string>
  const [server] = document.servers as { url: string }[]
  return {
    info: {
      name: title,
      version,
      description,
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    auth: {
      type: 'apikey',
      apikey: [
        { key: 'key', value: 'Authorization', type: 'string' },
        { key: 'value', value: '{{token}}', type: 'string' },
        { key: 'in', value: 'header', type: 'string' },
      ],
    },
    variable: [
      { key: 'baseUrl', value: server?.url, type: 'string' },
      { key: 'token', value: '', type: 'string' },
    ],
    item,
  }
}

/** An operation with nothing but what one example sends and is answered. */
function only(described: JsonSchema, { name, summary, request, response }: Example): JsonSchema {
  const sent = new Map([...Object.entries(request.path ?? {}), ...queryPairs(request.query)])
  const parameters = ((described.parameters ?? []) as JsonSchema[])
    .filter((parameter) => sent.has(String(parameter.name)))
    .map(({ content: _, examples: __, explode: ___, ...parameter }) => ({
      ...parameter,
      schema: { type: 'string' },
      example: sent.get(String(parameter.name)),
    }))
  const type = request.type ?? 'application/json'
  const body = (request.body ?? request.text) === undefined ? undefined : content(type, name, request)
  const answered = response.type === '' ? {} : content(response.type.split(';', 1)[0] ?? '', name, response)
  return {
    ...described,
    summary,
    parameters,
    ...(body && { requestBody: { required: true, ...body } }),
    responses: { [response.status]: { description: summary, ...answered } },
  }
}

function content(type: string, name: string, { body, text }: { body?: unknown; text?: string }): JsonSchema {
  const value = body ?? text
  const schema = value === undefined || typeof value === 'string' ? { type: 'string' } : {}
  return { content: { [type]: { schema, ...(value !== undefined && { examples: { [name]: { value } } }) } } }
}

async function requestOf(document: JsonSchema, path: string, method: string, operation: JsonSchema): Promise<Item> {
  const data = { ...document, paths: { [path]: { [method]: operation } } }
  const converted = await new Promise<{ item: Item[] }>((resolve, reject) => {
    convertV2({ type: 'json', data }, OPTIONS, (error, { result, reason, output } = { result: false }) => {
      const made = output?.[0]?.data
      if (error || !result || !made) reject(error ?? new Error(`${path}: ${reason}`))
      else resolve(JSON.parse(JSON.stringify(made)))
    })
  })
  const { name, request, response } = leaf(converted.item)
  return plain({ name, request, response })
}

function leaf(items: readonly Item[]): Item {
  const [first] = items
  if (!first) throw new Error('The library made no request')
  return first.item ? leaf(first.item) : first
}

/** Ids are made anew each time, and the collection has the token. */
const LEFT_OUT = new Set(['id', '_postman_id', 'auth', '_postman_previewlanguage', 'originalRequest', 'cookie'])

function plain<T>(value: T): T {
  if (Array.isArray(value)) return value.map(plain) as T
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key]) => !LEFT_OUT.has(key))
  return Object.fromEntries(kept.map(([key, item]) => [key, plain(item)])) as T
}
