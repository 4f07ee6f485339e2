import { type Findings, invalid, isNode, type Node, type Place } from './rules.ts'

/**
 * What makes planning slow: no interrupt ends it, and no memory limit. Where one of these stands in each of a chain of
 * subqueries or CTEs, the cost is a power.
 */
/** A join of 25 tables takes 0.3 s, of 40 tables 5 s. */
const MAX_JOINS = 24
const MAX_GROUPING_SETS = 64
/** Scalar subqueries in each other, correlated: 12 levels take 0.2 s, 18 more than 6 s. */
const MAX_SUBQUERIES = 8
/** Times as many columns as the tables have: 4,000 columns take 0.7 s. */
const MAX_STARS = 64
/** Twelve rows of rows in each other never ended. */
const MAX_STRUCTS = 10
const MAX_WHOLE_ROWS = 24

export function countJoin(_join: Node, { found }: Place): void {
  found.joins += 1
  if (found.joins > MAX_JOINS) throw invalid(`Query joins too many tables: at most ${MAX_JOINS + 1}.`)
}

export function checkGroupingSets(sets: unknown): void {
  if (Array.isArray(sets) && sets.length > MAX_GROUPING_SETS) throw invalid('Query has too many grouping sets.')
}

export function checkSubqueries({ subqueries }: Place): void {
  if (subqueries > MAX_SUBQUERIES)
    throw invalid(`Query has subqueries nested too deeply: at most ${MAX_SUBQUERIES} levels in expressions.`)
}

/** Each `*` of a SELECT brings the columns of its tables. */
export function countStars({ select_list, from_table }: Node, { found }: Place): void {
  const stars = (Array.isArray(select_list) ? select_list : []).map((item) => {
    if (!isNode(item) || item.class !== 'STAR') return 0
    return item.relation_name === '' ? relations(from_table) : 1
  })
  const factor = stars.reduce((sum, star) => sum + star, 0)
  found.stars *= Math.max(1, factor)
  if (found.stars > MAX_STARS) throw invalid('Query makes too many columns: name them instead of *.')
}

function relations(from: unknown): number {
  return isNode(from) && from.type === 'JOIN' ? relations(from.left) + relations(from.right) : 1
}

const structMakers = new Set(['row', 'struct_pack', 'struct_insert', 'struct_concat', 'list_zip', 'array_zip'])

export function countStructs(name: string, children: unknown, found: Findings): void {
  const varies = Array.isArray(children) && children.some((child) => isNode(child) && child.class !== 'CONSTANT')
  if (structMakers.has(name) && varies) found.structs += 1
}

/** The name of a table, alone as a column, is its whole row: a struct of all its columns. */
export function checkStructs({ relations, columns, structs }: Findings): void {
  const wholeRows = [...columns].reduce((sum, [name, times]) => sum + (relations.has(name) ? times : 0), 0)
  if (structs > MAX_STRUCTS || wholeRows > MAX_WHOLE_ROWS) throw invalid('Query makes too many rows into values.')
}
