import { RangeNotSatisfiable } from '../core/errors.ts'
import type { HeldFile, Part } from '../services/dump-files.ts'
import type { Context } from './context.ts'
import type { Reply } from './operation.ts'

const SINGLE_RANGE = /^bytes=[\t ]*(\d*)-(\d*)[\t ]*$/i

/**
 * A kept file, or the part of it that a client asks for to go on with a download that broke off (RFC 9110 §14). A part
 * is one of the file as it is, never compressed, and is given once the file is whole.
 *
 * @param headers - What the whole file is sent with, its tag among it.
 * @throws RangeNotSatisfiable for a part that the file does not have.
 */
export async function sendFile(
  { request }: Context,
  file: HeldFile,
  headers: Record<string, string> & { ETag: string },
): Promise<Reply> {
  const ranged = { ...headers, 'Accept-Ranges': 'bytes' }
  const asked = readRange(request.headers.get('range'))
  if (!asked || !holds(request.headers.get('if-range'), headers.ETag)) {
    const length = file.length !== undefined && { 'Content-Length': String(file.length) }
    return { status: 200, headers: { ...ranged, ...length }, body: file.read() }
  }
  const length = await file.whole()
  const part = partOf(asked, length)
  if (!part) {
    file.leave()
    throw new RangeNotSatisfiable(length)
  }
  const { start, end } = part
  return {
    status: 206,
    headers: {
      ...ranged,
      'Content-Length': String(end - start),
      'Content-Range': `bytes ${start}-${end - 1}/${length}`,
    },
    body: file.read(part),
  }
}

interface Range {
  /** Undefined: the last `last` bytes. */
  first?: number
  last?: number
}

/** One range; undefined for none, for several, and for what is none. */
function readRange(header: string | null): Range | undefined {
  const [, first = '', last = ''] = SINGLE_RANGE.exec(header ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined
  return { ...(first !== '' && { first: Number(first) }), ...(last !== '' && { last: Number(last) }) }
}

/** What of a file a range covers; undefined for nothing. */
function partOf({ first, last }: Range, length: number): Part | undefined {
  const start = first ?? Math.max(0, length - (last as number))
  const end = first === undefined || last === undefined ? length : Math.min(length, last + 1)
  return start < end ? { start, end } : undefined
}

/**
 * Whether the client has a part of this very file. A date never says so: a table may have changed twice within its
 * second.
 */
function holds(ifRange: string | null, tag: string): boolean {
  return ifRange === null || ifRange.trim() === tag
}
