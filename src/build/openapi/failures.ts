import type { Operation } from '../../api/operation.ts'
import { BadRequestBody, ErrorEnvelope } from '../../schemas/envelope.ts'
import { type JsonSchema, jsonSchema } from './schema.ts'

/** What an operation may be answered when it fails (contract §2.1), and to which operations that happens. */
interface Failure {
  type: string
  description: string
  message: string
  happens(operation: Operation): boolean
}

const always = () => true
const asksSomebody = ({ permission }: Operation) => permission !== undefined
const sendsBody = ({ kind, takesFile }: Operation) => kind === 'action' || takesFile === true
const namesSomething = ({ target, name }: Operation) => target !== 'none' || name === 'help_show'

const FAILURES: Readonly<Record<number, Failure>> = {
  403: {
    type: 'Authorization Error',
    description: 'The caller may not do that.',
    message: 'Access denied: Action datastore_upsert requires an authenticated user',
    happens: asksSomebody,
  },
  404: {
    type: 'Not Found Error',
    description: 'There is no such table.',
    message: 'Not found: Resource "trees" was not found.',
    happens: namesSomething,
  },
  409: {
    type: 'Validation Error',
    description:
      'The parameters or the data are wrong. Each key beside `__type` and `message` names a parameter and what is wrong with it.',
    message: 'limit: Must be a natural number',
    happens: namesSomething,
  },
  413: {
    type: 'Payload Too Large',
    description: 'The body is larger than the server takes.',
    message: 'The request body is larger than 50 MB.',
    happens: sendsBody,
  },
  415: {
    type: 'Unsupported Media Type',
    description: 'The body is neither JSON nor a form.',
    message: 'Send parameters as JSON with "Content-Type: application/json", or as a form (urlencoded or multipart).',
    happens: ({ kind }) => kind === 'action',
  },
  429: {
    type: 'Too Many Requests',
    description: 'Too much at once. `Retry-After` says in how many seconds to come back.',
    message: 'Too many SQL statements are running.',
    happens: asksSomebody,
  },
  501: {
    type: 'Not Implemented',
    description: 'This server, or its storage engine, does not do that.',
    message: 'datastore_function_create is not available on this server',
    happens: ({ kind, target }) => (kind === 'action' && target === 'none') || target === 'load',
  },
  503: {
    type: 'Service Unavailable',
    description: 'Something that the server needs (CKAN, the engine, disk space) is not there just now.',
    message: 'CKAN did not answer within 10 seconds.',
    happens: asksSomebody,
  },
  500: {
    type: 'Internal Server Error',
    description: 'A defect. The log has it, under the id in `X-Request-Id`.',
    message: 'Internal Server Error',
    happens: always,
  },
}

/** `components.responses`: one for each status, and `BadRequest`. */
export function failureComponents(): Record<string, JsonSchema> {
  const rows = Object.entries(FAILURES).map(([status, failure]) => [nameOf(failure.type), component(status, failure)])
  return { BadRequest: badRequest, ...Object.fromEntries(rows) }
}

/** `responses` of one operation, its failures only. */
export function failuresOf(operation: Operation): Record<string, JsonSchema> {
  const rows = Object.entries(FAILURES).filter(([, { happens }]) => happens(operation))
  const refs = rows.map(([status, { type }]) => [status, { $ref: `#/components/responses/${nameOf(type)}` }])
  return {
    ...(operation.kind === 'action' && { 400: { $ref: '#/components/responses/BadRequest' } }),
    ...Object.fromEntries(refs),
  }
}

/** What a status that an example ends in means. */
export function failureWords(status: number): string {
  return FAILURES[status]?.description ?? badRequest.description
}

export const ERROR_SCHEMA = jsonSchema(ErrorEnvelope)

function component(status: string, { description, type, message }: Failure): JsonSchema {
  const detail = status === '409' && { limit: ['Must be a natural number'] }
  const retry = status === '429' && {
    headers: { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer', minimum: 1 } } },
  }
  const help = 'https://data.example.org/api/3/action/help_show?name=datastore_search'
  return {
    description,
    ...retry,
    content: {
      'application/json': {
        schema: { $ref: '#/components/schemas/Error' },
        example: { help, success: false, error: { __type: type, message, ...detail } },
      },
    },
  }
}

const badRequest = {
  description:
    'The request can not be read: a bare JSON string says why. A nested list of the wrong shape is an envelope with `Integrity Error`.',
  content: {
    'application/json': {
      schema: { anyOf: [jsonSchema(BadRequestBody), { $ref: '#/components/schemas/Error' }] },
      example: 'Bad request: JSON Error: Invalid request. Please use POST method for your request',
    },
  },
}

function nameOf(type: string): string {
  return type.replace(/ Error$/, '').replaceAll(' ', '')
}
