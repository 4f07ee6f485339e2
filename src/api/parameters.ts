import { BadRequest, UnsupportedMediaType } from '../core/errors.ts'
import { JsonNotObject, JsonSyntaxError, type Span, sourceText, splitObject } from '../core/json-scanner.ts'
import { parseKeepingDigits } from '../schemas/json.ts'
import type { RawParams } from '../schemas/read-params.ts'
import { readBody } from './body.ts'
import type { Context } from './context.ts'
import type { Operation } from './operation.ts'
import { readUpload } from './upload.ts'

/**
 * A request's parameters, by CKAN's table of precedence (contract §1.3): a form, else the query of an operation that
 * only reads, else a JSON body. `callback` is taken out: it makes the caller anonymous.
 *
 * @throws BadRequest, UnsupportedMediaType, PayloadTooLarge
 */
export async function readRawParams(context: Context, operation: Operation): Promise<RawParams> {
  const { callback, ...raw } = await readSource(context, operation)
  if (callback !== undefined) context.callback = String(Array.isArray(callback) ? callback[0] : callback)
  return raw
}

async function readSource(context: Context, operation: Operation): Promise<RawParams> {
  const { request, url, service } = context
  if (operation.takesFile) {
    const { raw, upload } = await readUpload(context)
    context.upload = upload
    return raw
  }
  const isRead = operation.readOnly
  const body = request.method === 'POST' ? await readBody(request, service.config.maxRequestBodyMb) : new Uint8Array()
  const type = mediaType(request)
  const form = body.length > 0 ? await readForm(body, type, request) : undefined
  if (form) return form
  if (isRead && url.search.length > 1)
    return operation.kind === 'page' ? firsts(url.searchParams) : gather(url.searchParams)
  if (body.length === 0) return {}
  if (!/^application\/(json|[\w.-]+\+json)$/.test(type)) {
    throw new UnsupportedMediaType(
      'Send parameters as JSON with "Content-Type: application/json", or as a form (urlencoded or multipart).',
    )
  }
  return readJson(body)
}

function mediaType(request: Request): string {
  return (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** A form's parameters, or undefined when the body is none, or an empty one. */
async function readForm(body: Uint8Array, type: string, request: Request): Promise<RawParams | undefined> {
  if (type === 'multipart/form-data') return readMultipart(body, request.headers.get('content-type') ?? '')
  if (type !== 'application/x-www-form-urlencoded') return undefined
  const direct = startsObject(body) ? tryJson(body) : undefined
  if (direct) return direct
  const pairs = new URLSearchParams(new TextDecoder().decode(body))
  const [first, ...others] = pairs
  if (first === undefined) return undefined
  const [key, value] = first
  return others.length === 0 && (value === '' || value === '1')
    ? readJson(new TextEncoder().encode(key))
    : gather(pairs)
}

async function readMultipart(body: Uint8Array, type: string): Promise<RawParams | undefined> {
  const response = new Response(body as Uint8Array<ArrayBuffer>, { headers: { 'Content-Type': type } })
  const form = await response.formData().catch(() => {
    throw new BadRequest('JSON Error: the multipart form could not be read')
  })
  const pairs: [string, string][] = []
  for (const [name, value] of form) pairs.push([name, typeof value === 'string' ? value : await value.text()])
  return pairs.length === 0 ? undefined : gather(pairs)
}

/** A name given once has a text, a name given several times a list. */
function gather(pairs: Iterable<[string, string]>): RawParams {
  const values = new Map<string, string[]>()
  for (const [name, value] of pairs) {
    const given = values.get(name)
    if (given) given.push(value)
    else values.set(name, [value])
  }
  return Object.fromEntries([...values].map(([name, texts]) => [name, texts.length === 1 ? texts[0] : texts]))
}

/** Of a name given several times the first value counts (contract §8.9). */
function firsts(pairs: Iterable<[string, string]>): RawParams {
  return Object.fromEntries([...pairs].reverse())
}

function startsObject(body: Uint8Array): boolean {
  return /^\s*\{/.test(new TextDecoder().decode(body.subarray(0, 64)))
}

/** `curl -d '{…}'` without a header is sent as a form; JSON that holds `=` or `&` survives only when read as it is. */
function tryJson(body: Uint8Array): RawParams | undefined {
  try {
    return readJson(body)
  } catch (error) {
    if (error instanceof BadRequest) return undefined
    throw error
  }
}

/** `records` stay bytes, filters keep their digits, everything else is parsed. */
function readJson(body: Uint8Array): RawParams {
  const members = [...split(body)]
  return Object.fromEntries(members.map(([name, span]) => [name, readMember(name, body, span)]))
}

function split(body: Uint8Array): Map<string, Span> {
  try {
    return splitObject(body)
  } catch (error) {
    if (error instanceof JsonSyntaxError) {
      throw new BadRequest(`JSON Error: Error decoding JSON data. Error: ${error.message}`)
    }
    if (error instanceof JsonNotObject) {
      throw new BadRequest(`JSON Error: Request data JSON decoded to ${error.repr} but it needs to be a dictionary.`)
    }
    throw error
  }
}

const OPEN_LIST = 0x5b

function readMember(name: string, body: Uint8Array, { start, end }: Span): unknown {
  if (name === 'records' && body[start] === OPEN_LIST) return body.subarray(start, end)
  const text = sourceText(body, start, end)
  return name === 'filters' ? parseKeepingDigits(text) : JSON.parse(text)
}
