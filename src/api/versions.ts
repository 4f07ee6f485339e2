import type { Config } from '../core/config.ts'
import type { Table } from '../infrastructure/engines/engine.ts'
import type { Context } from './context.ts'
import type { Reply } from './operation.ts'

/** A client may keep the answer, and must ask each time whether it still holds. */
export const REVALIDATED = { 'Cache-Control': 'private, no-cache' }

/** Encodings that an answer may have beside being sent as it is, the better ones first. */
export const ENCODINGS = ['br', 'gzip'] as const
export type Encoding = (typeof ENCODINGS)[number]

/**
 * The entity tag of an answer that depends on one table, on the settings about reads, and on what was asked.
 *
 * @param asked - What was asked, in a form in which equal questions are equal texts.
 */
export function entityTag(
  { service: { config } }: Context,
  { id, revision }: Pick<Table, 'id' | 'revision'>,
  asked: string,
): string {
  return `"${revision.toString(36)}-${hash(`${settingsOfReads(config)} ${id} ${asked}`)}"`
}

/** The settings that make answers what they are. */
export function settingsOfReads(config: Config): readonly (boolean | number)[] {
  const { msInTimestamp, includeUpdatedAt, searchResultRowsMax, searchResultRowsDefault } = config
  return [msInTimestamp, includeUpdatedAt, searchResultRowsMax, searchResultRowsDefault]
}

/** The tag of the same answer in an encoding: other bytes, and so another tag. */
export function encodedTag(tag: string, encoding: Encoding): string {
  return `${tag.slice(0, -1)}-${encoding}"`
}

/** The tag of one writing of a file whose bytes may be others the next time. Its beginning says what it is made of. */
export function renderedTag(tag: string, rendering: string): string {
  return `${tag.slice(0, -1)}.${rendering}"`
}

/** 304 for a client that says that it has the answer with this tag, in whichever encoding. */
export function notModified({ request }: Context, tag: string): Reply | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
  const held = request.headers
    .get('if-none-match')
    ?.split(',')
    .map((item) => item.trim().replace(/^W\//, ''))
  if (!held) return undefined
  const known = [tag, ...ENCODINGS.map((encoding) => encodedTag(tag, encoding))]
  const match = held.includes('*') ? tag : held.find((item) => known.includes(item.replace(/\.\w+"$/, '"')))
  return match === undefined ? undefined : { status: 304, headers: { ...REVALIDATED, ETag: match }, body: null }
}

/** 64 bits of FNV-1a in two halves: enough to tell the requests on one revision of one table apart. */
function hash(text: string): string {
  let a = 0x811c9dc5
  let b = 0x9dc5811c
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ (code >> 8) ^ (code << 5), 0x01000193)
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36)
}
