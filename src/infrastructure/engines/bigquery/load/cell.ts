import type { Column } from '../../../../core/table-schema.ts'
import type { Refused } from '../values.ts'
import { readValue } from '../values.ts'

const COMPACT_DAY = /^(\s*)(\d{4})(\d{2})(\d{2})(?=[ T]|\s*$)/

/**
 * Reads a cell of a file as its column takes it (contract §4.5). An empty text is null but for text columns; csv writes
 * null as `null` for a few types (§4.6).
 */
export function readCell({ type }: Column, text: string | null): string | null | Refused {
  if (text === null) return null
  const { family } = type.type
  if (family === 'text' && !type.array) return type.type.modifier === 'length' ? fitted(type, text) : text
  if (text === '' || text === (type.array ? 'null' : type.type.csvNull)) return null
  const isTime = !type.array && (family === 'date' || family === 'timestamp' || family === 'timestamptz')
  return readValue(type, isTime ? text.replace(COMPACT_DAY, '$1$2-$3-$4') : text)
}

/** Text that a column of so many characters holds: itself, or itself without the blanks that are too many. */
function fitted({ type, modifier }: Column['type'], text: string): string | Refused {
  const length = modifier?.[0]
  if (length === undefined || text.length <= length) return text
  const characters = [...text]
  if (characters.length <= length) return text
  if (/[^ ]/.test(characters.slice(length).join('')))
    return { sentence: `value too long for type ${type.nativeName}(${length})` }
  return characters.slice(0, length).join('')
}
