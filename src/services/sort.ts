import { ValidationError } from '../core/errors.ts'
import type { Column } from '../core/table-schema.ts'
import type { SortKey } from '../infrastructure/engines/engine.ts'

/** More than any page is sorted by. */
const MAX_CLAUSES = 1000

/**
 * Reads sort clauses: `name [asc|desc] [nulls first|last]`, the name in double quotes or not (contract §7). Of clauses
 * by one column only the first has an effect.
 *
 * @throws ValidationError naming the first clause that can't be read, or whose column there is not.
 */
export function parseSort(clauses: readonly string[], columns: ReadonlyMap<string, Column>): SortKey[] {
  if (clauses.length > MAX_CLAUSES) throw new ValidationError({ sort: [`More than ${MAX_CLAUSES} columns`] })
  const keys = new Map<string, SortKey>()
  for (const clause of clauses) {
    const { name, ...order } = readClause(clause, columns)
    const column = columns.get(name)
    if (!column) throw new ValidationError({ sort: [`invalid value "${clause}"`] })
    if (!keys.has(name)) keys.set(name, { by: column, ...order })
  }
  return [...keys.values()]
}

/** From its end, word by word: a pattern would try every blank of a long run of them. */
function readClause(clause: string, columns: ReadonlyMap<string, Column>): Omit<SortKey, 'by'> & { name: string } {
  const whole = clause.trim()
  // The whole clause may be a name that ends like a direction: `order desc`.
  if (columns.has(whole)) return { name: whole, descending: false }
  const [beforeLast, last] = cutWord(whole)
  const [beforeNulls, word] = cutWord(beforeLast)
  const nulls = word === 'nulls' && beforeNulls !== '' && (last === 'first' || last === 'last') ? last : undefined
  const text = nulls ? beforeNulls : whole
  const [beforeDirection, direction] = cutWord(text)
  const isDirected = beforeDirection !== '' && (direction === 'asc' || direction === 'desc')
  const name = isDirected ? beforeDirection : text
  return {
    name: name.length > 1 && name.startsWith('"') && name.endsWith('"') ? name.slice(1, -1) : name,
    descending: isDirected && direction === 'desc',
    ...(nulls && { nulls }),
  }
}

/** A text without its last word, and that word in lower case. */
function cutWord(text: string): [rest: string, word: string] {
  let at = text.length
  while (at > 0 && !/\s/.test(text[at - 1] as string)) at -= 1
  return [text.slice(0, at).trimEnd(), text.slice(at).toLowerCase()]
}
