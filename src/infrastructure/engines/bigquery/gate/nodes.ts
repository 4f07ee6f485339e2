import { fold, invalid, notAuthorized } from './tokens.ts'

/** What was seen in the tree. */
export interface Seen {
  /** Names in FROM, those of common table expressions among them. */
  tables: string[]
  calls: string[]
  nameOf(shown: string): string
}

type Node = Readonly<Record<string, unknown>>
type Rule = (value: unknown, seen: Seen) => void

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value)
const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === false ||
  value === '' ||
  (Array.isArray(value) && value.length === 0)

const unknownPart = (what: string) => notAuthorized(`use ${what} in SQL`)

/** A word or a number: it can't hold a part of the statement. */
const plain: Rule = (value) => {
  if (typeof value === 'object' && value !== null) throw unknownPart('this value')
}
const plainList: Rule = (value, seen) => {
  for (const item of Array.isArray(value) ? value : [value]) isNode(item) ? checkNode(item, seen) : plain(item, seen)
}
const part: Rule = (value, seen) => checkNode(value, seen)

/** An object whose every key has its rule. */
const shape =
  (rules: Readonly<Record<string, Rule>>): Rule =>
  (value, seen) => {
    if (!isNode(value)) {
      for (const item of list(value)) isNode(item) ? shape(rules)(item, seen) : plain(item, seen)
      return
    }
    for (const [key, inner] of Object.entries(value)) {
      if (isEmpty(inner)) continue
      const rule = Object.hasOwn(rules, key) ? rules[key] : undefined
      if (!rule) throw unknownPart(key.replace(/\W/g, ''))
      rule(inner, seen)
    }
  }

/** Names with their quotes; tables seen by the parser so far. */
const ignored: Rule = () => {}
const surround: Rule = shape({ table: plain, db: plain, schema: plain })

const fromItem: Rule = (value, seen) => {
  if (!isNode(value)) throw unknownPart('this FROM')
  if (typeof value.table === 'string') {
    if (!isEmpty(value.db) || !isEmpty(value.schema) || !isEmpty(value.catalog))
      throw notAuthorized('use qualified table names: name the resource alone')
    seen.tables.push(seen.nameOf(value.table))
  } else if (isNode(value.expr) && value.type !== 'unnest' && !('ast' in value.expr))
    throw notAuthorized('call functions in FROM')
  shape({
    ...{ table: plain, surround, as: alias, join: plain, on: part, using: plainList, type: plain, parentheses: plain },
    expr: part,
    with_offset: shape({ keyword: plain, as: alias }),
  })(value, seen)
}
const alias: Rule = (value, seen) => (isNode(value) ? checkNode(value, seen) : plain(value, seen))

const windowSpecification: Rule = shape({
  name: plain,
  partitionby: part,
  orderby: part,
  window_frame_clause: part,
})
const namedWindow: Rule = shape({
  name: plain,
  as_window_specification: (value, seen) =>
    isNode(value)
      ? shape({ window_specification: windowSpecification, parentheses: plain })(value, seen)
      : plain(value, seen),
})

const functionName: Rule = (value, seen) => {
  if (typeof value === 'string') return void seen.calls.push(fold(seen.nameOf(value)))
  if (!isNode(value)) throw unknownPart('this function')
  const parts = [value.schema, ...(Array.isArray(value.name) ? value.name : [value.name])]
    .filter((item) => !isEmpty(item))
    .map((item) => (isNode(item) && typeof item.value === 'string' ? fold(seen.nameOf(item.value)) : undefined))
  if (parts.length === 0 || parts.includes(undefined)) throw unknownPart('this function')
  seen.calls.push((parts.length > 1 && parts[0] === 'safe' ? parts.slice(1) : parts).join('.'))
}

const select = shape({
  ...{
    type: plain,
    columns: part,
    distinct: plain,
    from: (value, seen) => list(value).forEach((item) => void fromItem(item, seen)),
  },
  ...{
    where: part,
    having: part,
    orderby: part,
    set_op: plain,
    _next: part,
    parentheses: plain,
    parentheses_symbol: plain,
  },
  ...{ _orderby: part, _limit: part, as_struct_val: plain },
  groupby: shape({ columns: part, modifiers: part }),
  limit: shape({ seperator: plain, value: part }),
  window: shape({ keyword: plain, type: plain, expr: namedWindow }),
  with: (value, seen) => list(value).forEach((item) => void commonTable(item, seen)),
})
const commonTable = shape({ name: alias, stmt: part, columns: alias })
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value])

/** A kind of call has its name in the kind. */
const called =
  (name: string, rules: Readonly<Record<string, Rule>>): Rule =>
  (value, seen) => {
    seen.calls.push(name)
    shape({ type: plain, ...rules })(value, seen)
  }

const over: Rule = shape({
  type: plain,
  as_window_specification: (value, seen) =>
    isNode(value)
      ? shape({ window_specification: windowSpecification, parentheses: plain })(value, seen)
      : plain(value, seen),
  keyword: plain,
  parentheses: plain,
  expr: part,
})
const argumentList: Rule = shape({
  type: plain,
  value: part,
  expr: part,
  distinct: plain,
  orderby: part,
  separator: part,
  parentheses: plain,
})
const argumentsOf: Rule = (value, seen) =>
  isNode(value) && typeof value.type === 'string' ? checkNode(value, seen) : argumentList(value, seen)
const constant = shape({ type: plain, value: plain, parentheses: plain, suffix: plain, prefix: plain })

/** By `type`: each kind of node that a query may have. */
const kinds: Readonly<Record<string, Rule>> = {
  select,
  ...Object.fromEntries(
    [
      'number',
      'string',
      'single_quote_string',
      'bool',
      'boolean',
      'null',
      'star',
      'default',
      'origin',
      'date',
      'datetime',
      'timestamp',
      'time',
      'param_none',
    ].map((kind) => [kind, constant]),
  ),
  column_ref: shape({
    ...{
      type: plain,
      db: plain,
      table: plain,
      as: alias,
      parentheses: plain,
      subFields: plainList,
      collate: ignored,
      notations: plainList,
    },
    column: (value, seen) =>
      isNode(value)
        ? shape({ expr: constant, offset: plainList, parentheses: plain })(value, seen)
        : plain(value, seen),
  }),
  expr_list: shape({ type: plain, value: part, parentheses: plain, separator: plain }),
  binary_expr: shape({ type: plain, operator: plain, left: part, right: part, parentheses: plain, escape: part }),
  unary_expr: shape({ type: plain, operator: plain, expr: part, parentheses: plain }),
  case: shape({ type: plain, expr: part, args: part, parentheses: plain }),
  when: shape({ type: plain, cond: part, result: part }),
  else: shape({ type: plain, result: part }),
  function: shape({ type: plain, name: functionName, args: argumentsOf, over, parentheses: plain, suffix: ignored }),
  aggr_func: shape({ type: plain, name: functionName, args: argumentsOf, over, parentheses: plain, filter: part }),
  window_func: shape({
    type: plain,
    name: functionName,
    args: argumentsOf,
    over,
    consider_nulls: plain,
    parentheses: plain,
  }),
  cast: called('cast', { keyword: plain, expr: part, symbol: plain, as: alias, target: part, parentheses: plain }),
  extract: called('extract', { args: shape({ field: plain, cast_type: plain, source: part }), parentheses: plain }),
  interval: shape({ type: plain, expr: part, unit: plain }),
  array: shape({
    type: plain,
    keyword: plain,
    brackets: plain,
    parentheses: plain,
    definition: ignored,
    array_path: part,
    expr_list: part,
  }),
  struct: called('struct', { keyword: plain, definition: ignored, expr_list: part, parentheses: plain }),
  unnest: called('unnest', { expr: part, parentheses: plain, as: alias, with_offset: ignored }),
}

/** A part without a type: an item of a list of columns, of ORDER BY, of a query in brackets. */
const untyped: Rule = (value, seen) => {
  if (isNode(value) && 'ast' in value) {
    return shape({ tableList: ignored, columnList: ignored, ast: part, parentheses: plain, as: alias })(value, seen)
  }
  shape({
    ...{
      expr: part,
      as: alias,
      type: plain,
      partitionby: part,
      dataType: plain,
      quoted: plain,
      length: plain,
      scale: plain,
      parentheses: plain,
    },
    ...{ field: plain, source: part, nulls: plain, value: part },
  })(value, seen)
}

/** @throws {NotAuthorized} 403 a kind of node, or a part of one, that is not on the list */
export function checkNode(value: unknown, seen: Seen): void {
  if (Array.isArray(value)) for (const item of value) checkNode(item, seen)
  else if (isNode(value)) ruleOf(value)(value, seen)
  else plain(value, seen)
}

function ruleOf(value: Node): Rule {
  const type = typeof value.type === 'string' ? value.type : undefined
  const rule = type !== undefined && Object.hasOwn(kinds, type) ? kinds[type] : undefined
  if (rule) return rule
  if (type !== undefined && !/^(?:ASC|DESC|expr)$/.test(type)) throw unknownPart(type.replace(/\W/g, ' '))
  return untyped
}

/** Two readers of one statement must see the same calls and tables: what only one of them sees might get through. */
export function agree(one: readonly string[], other: readonly string[]): boolean {
  const sorted = (names: readonly string[]) => [...names].map(fold).sort().join('\n')
  return sorted(one) === sorted(other)
}

export const disagreement = () =>
  invalid('Query can be read in two ways. Put names in double quotes, and write it in a simpler way.')
