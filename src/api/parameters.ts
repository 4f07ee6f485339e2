import { BadRequest, PayloadTooLarge, UnsupportedMediaType } from '../core/errors.ts'
import { parseJsonNumbers } from '../core/json-number.ts'
import { JsonNotObject, JsonSyntaxError, type Span, sourceText, splitObject } from '../core/json-scanner.ts'
import type { RawParams } from '../schemas/read-params.ts'
import { MAX_PARAMETERS_MB, readBody } from './body.ts'
import type { Context } from './context.ts'
import { readMultipart } from './multipart.ts'
import type { Operation } from './operation.ts'
import { readUpload } from './upload.ts'

/** More names than any call has, and columns beyond a list of `fields`. */
const MAX_PARAMETERS = 500

/**
 * A request's parameters, by CKAN's table of precedence (contract §1.3): a form, else the query of an operation that
 * only reads, else a JSON body. `callback` is taken out: it makes the caller anonymous.
 *
 * @throws BadRequest, UnsupportedMediaType, PayloadTooLarge, ServiceUnavailable
 */
export async function readRawParams(context: Context, operation: Operation): Promise<RawParams> {
  const { callback, ...raw } = await readSource(context, operation)
  if (callback !== undefined) context.callback = String(Array.isArray(callback) ? callback[0] : callback)
  return raw
}

async function readSource(context: Context, operation: Operation): Promise<RawParams> {
  const { request, url } = context
  if (operation.takesFile) {
    const { raw, upload } = await readUpload(context)
    context.upload = upload
    return raw
  }
  const isRead = operation.readOnly
  const body = request.method === 'POST' ? await readBody(context, operation) : new Uint8Array()
  const type = mediaType(request)
  const form = body.length > 0 ? await readForm(body, type, request) : undefined
  if (form) return form
  if (isRead && url.search.length > 1)
    return operation.kind === 'page' ? firsts(parsePairs(url.search.slice(1))) : gather(parsePairs(url.search.slice(1)))
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
  if (type === 'multipart/form-data') {
    const parts = readMultipart(body, request.headers.get('content-type') ?? '', MAX_PARAMETERS)
    return fromPairs(parts)
  }
  if (type !== 'application/x-www-form-urlencoded') return undefined
  const direct = startsObject(body) ? tryJson(body) : undefined
  if (direct) return direct
  return fromPairs(parsePairs(new TextDecoder().decode(body)))
}

/** A form whose only name is JSON stands for that (contract §1.3). */
function fromPairs(pairs: readonly [string, string][]): RawParams | undefined {
  const [first, ...others] = pairs
  if (first === undefined) return undefined
  const [key, value] = first
  return others.length === 0 && (value === '' || value === '1')
    ? readJson(new TextEncoder().encode(key))
    : gather(pairs)
}

/** The pairs of a query or of a form in the same writing. Too many are refused before they are decoded. */
function parsePairs(text: string): [string, string][] {
  let count = 1
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) requireFew(++count)
  return [...new URLSearchParams(text)]
}

function requireFew(count: number): void {
  if (count > MAX_PARAMETERS) throw new BadRequest(`There are more than ${MAX_PARAMETERS} parameters`)
}

/** All that is not records is taken apart here and now, for nobody else to be served meanwhile. */
function requireSmall(length: number): void {
  if (length <= MAX_PARAMETERS_MB * 1024 * 1024) return
  throw new PayloadTooLarge(`The parameters beside "records" take more than ${MAX_PARAMETERS_MB} MB.`)
}

/** A name given once has a text, a name given several times a list. */
function gather(pairs: readonly [string, string][]): RawParams {
  const values = new Map<string, string[]>()
  let length = 0
  for (const [name, value] of pairs) {
    length += name.length + (name === 'records' ? 0 : value.length)
    const given = values.get(name)
    if (given) given.push(value)
    else values.set(name, [value])
  }
  requireSmall(length)
  return Object.fromEntries([...values].map(([name, texts]) => [name, texts.length === 1 ? texts[0] : texts]))
}

/** Of a name given several times the first value counts (contract §8.9). */
function firsts(pairs: readonly [string, string][]): RawParams {
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
  const small = members.filter(([name, span]) => !isRecords(name, body, span))
  requireSmall(small.reduce((length, [name, { start, end }]) => length + name.length + end - start, 0))
  return Object.fromEntries(members.map(([name, span]) => [name, readMember(name, body, span)]))
}

function split(body: Uint8Array): Map<string, Span> {
  try {
    return splitObject(body, MAX_PARAMETERS)
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

function isRecords(name: string, body: Uint8Array, { start }: Span): boolean {
  return name === 'records' && body[start] === OPEN_LIST
}

function readMember(name: string, body: Uint8Array, span: Span): unknown {
  const { start, end } = span
  if (isRecords(name, body, span)) return body.subarray(start, end)
  const text = sourceText(body, start, end)
  return name === 'filters' ? parseJsonNumbers(text) : JSON.parse(text)
}
