import type { SearchParams } from '../api/tables.ts'

/** A condition on one column, as the address holds it: column, operator, value. */
export type Condition = readonly [column: string, operator: string, value: string]

/** What can be asked of a column, in people's words. */
export const OPERATORS: Readonly<Record<string, { label: string; takesValue: boolean }>> = {
  eq: { label: 'is', takesValue: true },
  in: { label: 'is one of', takesValue: true },
  gt: { label: '>', takesValue: true },
  gte: { label: '≥', takesValue: true },
  lt: { label: '<', takesValue: true },
  lte: { label: '≤', takesValue: true },
  words: { label: 'has the words', takesValue: true },
  null: { label: 'has no value', takesValue: false },
}

/** Conditions as a search takes them; one whose value is still missing is left out. */
export function conditionParams(conditions: readonly Condition[]): Pick<SearchParams, 'filters' | 'q'> {
  const complete = conditions.filter(([, operator, value]) => !OPERATORS[operator]?.takesValue || value !== '')
  const words = complete.filter(([, operator]) => operator === 'words')
  const filters = complete.filter(([, operator]) => operator !== 'words').map(filterOf)
  const q: Record<string, string> = {}
  for (const [column, , value] of words) q[column] = q[column] === undefined ? value : `${q[column]} ${value}`
  return {
    ...(filters.length === 1 && { filters: filters[0] as Record<string, unknown> }),
    ...(filters.length > 1 && { filters: { $and: filters } }),
    ...(words.length > 0 && { q }),
  }
}

function filterOf([column, operator, value]: Condition): Record<string, unknown> {
  const name = column.startsWith('$') ? `$${column}` : column
  if (operator === 'null') return { [name]: null }
  if (operator === 'eq') return { [name]: value }
  if (operator === 'in') return { [name]: value.split(',').map((item) => item.trim()) }
  return { [name]: { [operator]: value } }
}

/** Conditions of an address; what can't be read is none. */
export function readConditions(text: string | null): Condition[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]')
    if (!Array.isArray(list)) return []
    return list.flatMap((item: unknown): Condition[] => {
      if (!Array.isArray(item) || item.length !== 3 || !item.every((part) => typeof part === 'string')) return []
      return Object.hasOwn(OPERATORS, String(item[1])) ? [item as unknown as Condition] : []
    })
  } catch {
    return []
  }
}

export function writeConditions(conditions: readonly Condition[]): string {
  return conditions.length === 0 ? '' : JSON.stringify(conditions)
}
