import type { Bytes } from '../infrastructure/engines/engine.ts'
import { mapStream } from '../services/stream/streams.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const HEX = '0123456789abcdef'

/** Letters after the backslash, for the control characters that have one. */
const SHORT: Readonly<Record<number, string>> = { 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r' }

/** For each byte, what it becomes inside a JSON string, or undefined: itself. */
const escapes: readonly (Uint8Array | undefined)[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte === QUOTE || byte === BACKSLASH) return Uint8Array.of(BACKSLASH, byte)
  if (byte >= 0x20) return undefined
  const letter = SHORT[byte] ?? `u00${HEX[byte >> 4]}${HEX[byte & 15]}`
  return Uint8Array.from(`\\${letter}`, (char) => char.charCodeAt(0))
})

/** UTF-8 text as it stands between the quotes of a JSON string. */
export function escapeJson(text: Bytes): Bytes {
  return text instanceof Uint8Array ? escapeChunk(text) : mapStream(text, escapeChunk)
}

function escapeChunk(chunk: Uint8Array): Uint8Array {
  let extra = 0
  for (const byte of chunk) extra += (escapes[byte]?.length ?? 1) - 1
  if (extra === 0) return chunk
  const escaped = new Uint8Array(chunk.length + extra)
  let at = 0
  for (const byte of chunk) {
    const sequence = escapes[byte]
    if (sequence === undefined) escaped[at++] = byte
    else {
      escaped.set(sequence, at)
      at += sequence.length
    }
  }
  return escaped
}
