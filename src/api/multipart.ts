import { decodeField, make } from 'multipasta'
import { BadRequest } from '../core/errors.ts'

/** What is parsed before somebody looks whether it was too much. */
const PIECE_BYTES = 64 * 1024

/**
 * The parts of a form as names and texts, files among them.
 *
 * @throws BadRequest when it can't be read, or has more than `maxParts` parts.
 */
export function readMultipart(body: Uint8Array, contentType: string, maxParts: number): [string, string][] {
  const parts: [string, string][] = []
  let failure: string | undefined
  let ended = false
  const parser = make({
    headers: { 'content-type': contentType },
    maxParts,
    maxFieldSize: Number.POSITIVE_INFINITY,
    maxPartSize: Number.POSITIVE_INFINITY,
    maxTotalSize: Number.POSITIVE_INFINITY,
    isFile: () => false,
    onFile: () => () => {},
    onField: (part, value) => {
      parts.push([part.name, decodeField(part, value)])
    },
    onError: (error) => {
      failure ??= error._tag === 'ReachedLimit' ? `there are more than ${maxParts} parts` : 'it is not well formed'
    },
    onDone: () => {
      ended = true
    },
  })
  for (let at = 0; at < body.length && failure === undefined; at += PIECE_BYTES)
    parser.write(body.subarray(at, at + PIECE_BYTES))
  if (failure === undefined) parser.end()
  if (failure === undefined && !ended) failure = 'it has no end'
  if (failure !== undefined) throw new BadRequest(`JSON Error: the multipart form could not be read: ${failure}`)
  return parts
}
