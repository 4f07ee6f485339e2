import { NotAuthorized } from '../../../../core/errors.ts'
import type { Argument } from '../../sql/argument-limits.ts'
import { allows } from '../../sql/function-list.ts'
import { argumentLimits, growth, MAX_GROWTH, operatorNames } from './arguments.ts'
import { notOverWindows, operators, syntax, tableFunctions, writtenAs } from './functions.ts'
import { type Findings, fold, invalid, isNode, type Node, type Place, unknownPart } from './rules.ts'
import { countStructs } from './sizes.ts'

const systemName = /^(_|pg_|duckdb_|sqlite_|pragma_|information_schema)/
/** Names that DuckDB would look for among files, should there be no such table any more when the statement runs. */
const fileName = /[/\\*?[]|:\/\/|\.(csv|tsv|txt|json|jsonl|ndjson|parquet|db|duckdb|gz|zst|xlsx|arrow)$/

export function checkTable(node: Node, { found, ctes }: Place): void {
  const written = String(node.table_name)
  const name = fold(written)
  const qualifiers = [node.schema_name, node.catalog_name]
    .filter((part) => part !== '')
    .map((part) => fold(String(part)))
  found.relations.add(name)
  if (qualifiers.length === 0 && ctes.has(name)) return
  if ([name, ...qualifiers].some((part) => systemName.test(part) || (/^(system|temp)$/.test(part) && part !== name))) {
    throw new NotAuthorized('Not authorized to access system tables')
  }
  if (qualifiers.length > 0)
    throw new NotAuthorized('Not authorized to use qualified table names: name the resource alone')
  if (name === '' || fileName.test(name)) throw new NotAuthorized('Not authorized to read files')
  if (!found.tables.has(name)) found.tables.set(name, written)
}

/** Names that DuckDB takes for a call without parentheses where no column has them. `user` is left: it says nothing. */
const callsWithoutParentheses = new Set([
  ...['current_catalog', 'current_role', 'current_schema', 'current_user', 'session_user'],
  ...['current_date', 'current_time', 'current_timestamp', 'localtime', 'localtimestamp'],
])

export function checkColumn(node: Node, { found }: Place): void {
  const names = node.column_names
  const name = Array.isArray(names) && names.length === 1 ? fold(String(names[0])) : ''
  if (name !== '') found.columns.set(name, (found.columns.get(name) ?? 0) + 1)
  if (callsWithoutParentheses.has(name)) admit(name, node, found)
}

export function checkCall(node: Node, { found }: Place, where: 'expression' | 'window' | 'table'): void {
  const name = fold(String(node.function_name))
  if (node.is_operator === true) {
    if (!operators.has(name) || where !== 'expression') throw unknownPart('this operator')
    checkArguments(name, node.children, found)
    return
  }
  if (where === 'table' && !tableFunctions.has(name)) throw notAllowed(name)
  if (where === 'window' && notOverWindows.has(name))
    throw new NotAuthorized(`Not authorized to call function ${name} as a window function`)
  if (where !== 'table') checkArguments(name, node.children, found)
  admit(name, node, found)
}

/** Notes a call that the list, or plain syntax, allows; throws for any other. */
function admit(name: string, node: Node, { allowed, functions, sql }: Findings): void {
  const written = allowed.exact.size > 0 ? writtenName(sql, node, name) : ''
  const listed = spellings(name).some((known) => allows(allowed, known, written))
  if (!listed && !syntax.has(name)) throw notAllowed(name)
  functions.add(name)
}

function checkArguments(name: string, children: unknown, found: Findings): void {
  countStructs(name, children, found)
  const args = (Array.isArray(children) ? children : []).map(argumentOf)
  const limit = rowOf(argumentLimits, name)
  if (limit && !limit.allows(...args)) {
    const called = rowOf(operatorNames, name) ?? `function ${name}`
    throw new NotAuthorized(`Not authorized to call ${called} with other than ${limit.rule}`)
  }
  found.growth *= Math.max(1, rowOf(growth, name)?.(...args) ?? 1)
  if (found.growth > MAX_GROWTH) {
    throw invalid(`Query makes texts longer too often (${name}): at most ${MAX_GROWTH} times in all.`)
  }
}

function rowOf<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

function argumentOf(node: unknown): Argument {
  if (!isNode(node)) return undefined
  if (node.class === 'FUNCTION' && node.function_name === 'left' && Array.isArray(node.children)) {
    const length = argumentOf(node.children[1])?.constant
    return typeof length === 'number' && length >= 0 ? { upTo: length } : undefined
  }
  const value = node.class === 'CONSTANT' && isNode(node.value) ? node.value.value : undefined
  return typeof value === 'string' || typeof value === 'number' ? { constant: value } : undefined
}

/** A function's name as the statement spells it, for lists that tell case; empty where that can't be seen. */
function writtenName(sql: string, node: Node, name: string): string {
  const from = new TextEncoder().encode(sql).subarray(Number(node.query_location))
  const [, word = ''] = /^"?(\w+)/.exec(new TextDecoder().decode(from.subarray(0, 200))) ?? []
  return spellings(name).includes(fold(word)) ? word : ''
}

/** What the statement may have said for what the parser calls `name`. */
function spellings(name: string): readonly string[] {
  return rowOf(writtenAs, name) ?? [name]
}

function notAllowed(name: string): NotAuthorized {
  return new NotAuthorized(`Not authorized to call function ${name}`)
}
