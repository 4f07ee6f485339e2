import { ValidationError } from '../core/errors.ts'
import type { Column } from '../core/table-schema.ts'
import type { SortKey } from '../infrastructure/engines/engine.ts'

const CLAUSE = /^\s*(?:"([^"]*)"|(.+?))(?:\s+(asc|desc))?(?:\s+nulls\s+(first|last))?\s*$/is

/**
 * Reads sort clauses: `name [asc|desc] [nulls first|last]`, the name in double quotes or not (contract §7).
 *
 * @throws ValidationError naming the first clause that can't be read, or whose column there is not.
 */
export function parseSort(clauses: readonly string[], columns: ReadonlyMap<string, Column>): SortKey[] {
  return clauses.map((clause) => {
    // The whole clause may be a name that ends like a direction: `order desc`.
    const whole = columns.get(clause.trim())
    if (whole) return { by: whole, descending: false }
    const [, quoted, plain, direction, nulls] = CLAUSE.exec(clause) ?? []
    const column = columns.get(quoted ?? plain ?? '')
    if (!column) throw new ValidationError({ sort: [`invalid value "${clause}"`] })
    return {
      by: column,
      descending: direction?.toLowerCase() === 'desc',
      ...(nulls && { nulls: nulls.toLowerCase() as 'first' | 'last' }),
    }
  })
}
