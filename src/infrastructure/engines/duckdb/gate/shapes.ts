import { checkCall, checkColumn, checkTable } from './checks.ts'
import {
  absent,
  checked,
  fold,
  isNode,
  kinds,
  list,
  one,
  optional,
  type Place,
  plain,
  type Rule,
  type Shape,
  shape,
  unknownPart,
} from './rules.ts'
import { checkGroupingSets, checkSubqueries, countJoin, countStars } from './sizes.ts'

const expression: Rule = (value, place) => expressionKinds(value, place)
const query: Rule = (value, place) => queryKinds(value, place)
const table: Rule = (value, place) => tableKinds(value, place)
/** One statement that only reads. */
export const statement = shape({ node: query, named_param_map: absent('parameters') })

const types = one(
  'this type',
  ...['BOOLEAN', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT'],
  ...[
    'UHUGEINT',
    'FLOAT',
    'DOUBLE',
    'DECIMAL',
    'VARCHAR',
    'BLOB',
    'BIT',
    'UUID',
    'INTERVAL',
    'DATE',
    'TIME',
    'TIMESTAMP',
  ],
  ...['TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS', 'TIME WITH TIME ZONE', 'TIMESTAMP WITH TIME ZONE', 'NULL'],
  ...['LIST', 'STRUCT', 'MAP', 'UNBOUND', 'INTEGER_LITERAL', 'STRING_LITERAL'],
)
const typeInfo = { type: plain, alias: absent('this type'), extension_info: absent('this type') }
const type: Rule = (value, place) => shape({ id: types, type_info: optional(typeInfos) })(value, place)
const typeInfos = kinds({
  DECIMAL_TYPE_INFO: shape({ ...typeInfo, width: plain, scale: plain }),
  LIST_TYPE_INFO: shape({ ...typeInfo, child_type: type }),
  STRUCT_TYPE_INFO: shape({ ...typeInfo, child_types: list(shape({ first: plain, second: type })) }),
  // A type looked up in the catalog: only these, and only under their bare name.
  UNBOUND_TYPE_INFO: shape({
    ...typeInfo,
    name: (name, place) => one('this type', 'json')(fold(String(name)), place),
    catalog: absent('qualified type names'),
    schema: absent('qualified type names'),
    user_type_modifiers: absent('this type'),
  }),
})

const base = { class: plain, type: plain, alias: plain, query_location: plain }
const order = kinds({
  ORDER_DEFAULT: shape({ type: plain, null_order: plain, expression }),
  ASCENDING: shape({ type: plain, null_order: plain, expression }),
  DESCENDING: shape({ type: plain, null_order: plain, expression }),
})
const orders = shape({ type: one('this order', 'ORDER_MODIFIER'), orders: list(order) })

const callShape = {
  ...base,
  function_name: plain,
  schema: one('qualified function names', '', 'main'),
  catalog: absent('qualified function names'),
  children: list(expression),
  distinct: plain,
}
const functionShape = shape({
  ...callShape,
  filter: optional(expression),
  order_bys: orders,
  is_operator: plain,
  export_state: absent('aggregate states'),
})

const expressionKinds = kinds({
  BETWEEN: shape({ ...base, input: expression, lower: expression, upper: expression }),
  CASE: shape({
    ...base,
    case_checks: list(shape({ when_expr: expression, then_expr: expression })),
    else_expr: optional(expression),
  }),
  CAST: shape({ ...base, child: expression, cast_type: type, try_cast: plain }),
  COLLATE: shape({ ...base, child: expression, collation: plain }),
  COLUMN_REF: checked(checkColumn, shape({ ...base, column_names: plain })),
  COMPARISON: shape({ ...base, left: expression, right: expression }),
  CONJUNCTION: shape({ ...base, children: list(expression) }),
  // The value is data, whatever it looks like.
  CONSTANT: shape({ ...base, value: shape({ type, is_null: plain, value: () => undefined }) }),
  FUNCTION: checked((node, place) => checkCall(node, place, 'expression'), functionShape),
  LAMBDA: shape({ ...base, lhs: expression, expr: expression }),
  OPERATOR: shape({
    ...base,
    type: one(
      'this operator',
      ...[
        'OPERATOR_NOT',
        'OPERATOR_IS_NULL',
        'OPERATOR_IS_NOT_NULL',
        'OPERATOR_COALESCE',
        'OPERATOR_TRY',
        'COMPARE_IN',
      ],
      ...['COMPARE_NOT_IN', 'ARRAY_CONSTRUCTOR', 'ARRAY_EXTRACT', 'ARRAY_SLICE', 'STRUCT_EXTRACT', 'GROUPING_FUNCTION'],
    ),
    children: list(expression),
  }),
  // What ARRAY(SELECT …) becomes.
  POSITIONAL_REFERENCE: shape({ ...base, index: plain }),
  STAR: shape({
    ...base,
    relation_name: plain,
    exclude_list: plain,
    qualified_exclude_list: absent('EXCLUDE'),
    replace_list: list(shape({ key: plain, value: expression })),
    rename_list: absent('RENAME'),
    columns: plain,
    // COLUMNS('…') and COLUMNS(lambda): evaluated while the statement is bound, before any limit applies.
    expr: absent('COLUMNS'),
  }),
  SUBQUERY: shape({
    ...base,
    subquery_type: one('this subquery', 'SCALAR', 'EXISTS', 'NOT_EXISTS', 'ANY'),
    subquery: (inner, place) => {
      const deeper = { ...place, subqueries: place.subqueries + 1 }
      checkSubqueries(deeper)
      statement(inner, deeper)
    },
    child: optional(expression),
    comparison_type: plain,
  }),
  WINDOW: checked(
    (node, place) => checkCall(node, place, 'window'),
    shape({
      ...callShape,
      distinct: absent('DISTINCT in a window function'),
      partitions: list(expression),
      orders: list(order),
      arg_orders: absent('ORDER BY in a window function'),
      start: plain,
      end: plain,
      start_expr: optional(expression),
      end_expr: optional(expression),
      offset_expr: optional(expression),
      default_expr: optional(expression),
      filter_expr: optional(expression),
      ignore_nulls: plain,
      exclude_clause: plain,
    }),
  ),
})

/** What stands in FROM may be called by its alias, also as a whole row. */
const alias: Rule = (name, place) => {
  plain(name, place)
  if (typeof name === 'string' && name !== '') place.found.relations.add(fold(name))
}
const from = { type: plain, alias, sample: absent('TABLESAMPLE'), query_location: plain }
const tableKinds = kinds({
  BASE_TABLE: checked(
    checkTable,
    shape({
      ...from,
      schema_name: absent('qualified table names'),
      catalog_name: absent('qualified table names'),
      table_name: plain,
      column_name_alias: plain,
      at_clause: absent('AT'),
    }),
  ),
  EMPTY: shape(from),
  EXPRESSION_LIST: shape({
    ...from,
    expected_names: plain,
    expected_types: absent('types of values'),
    values: list(list(expression)),
  }),
  JOIN: checked(
    countJoin,
    shape({
      ...from,
      left: table,
      right: table,
      condition: optional(expression),
      join_type: one('this join', 'INNER', 'LEFT', 'RIGHT', 'FULL', 'SEMI', 'ANTI'),
      ref_type: one('this join', 'REGULAR', 'NATURAL', 'CROSS', 'ASOF', 'POSITIONAL'),
      using_columns: plain,
      delim_flipped: absent('this join'),
      duplicate_eliminated_columns: absent('this join'),
    }),
  ),
  SUBQUERY: shape({ ...from, subquery: statement, column_name_alias: plain }),
  TABLE_FUNCTION: shape({
    ...from,
    function: checked((node, place) => checkCall(node, place, 'table'), functionShape),
    column_name_alias: plain,
    with_ordinality: plain,
  }),
})

const modifiers = list(
  kinds({
    ORDER_MODIFIER: orders,
    LIMIT_MODIFIER: shape({ type: plain, limit: optional(expression), offset: optional(expression) }),
    DISTINCT_MODIFIER: shape({ type: plain, distinct_on_targets: list(expression) }),
  }),
)

/** The parts of a query see its own CTEs and those around it. */
const withCtes =
  (rules: Shape): Rule =>
  (value, place) => {
    if (!isNode(value)) throw unknownPart('value')
    const { cte_map, ...rest } = value
    shape(rules)(rest, { ...place, ctes: readCtes(cte_map, place) })
  }
const selectShape = checked(
  countStars,
  withCtes({
    type: plain,
    modifiers,
    select_list: list(expression),
    from_table: table,
    where_clause: optional(expression),
    group_expressions: list(expression),
    group_sets: (sets, place) => {
      checkGroupingSets(sets)
      plain(sets, place)
    },
    aggregate_handling: plain,
    having: optional(expression),
    qualify: optional(expression),
    sample: absent('TABLESAMPLE'),
  }),
)
const setShape = withCtes({ type: plain, modifiers, setop_type: plain, setop_all: plain, left: query, right: query })
const queryKinds = kinds({ SELECT_NODE: selectShape, SET_OPERATION_NODE: setShape })

/** Each CTE sees those before it; the second half of a recursive one also itself. Answers the names that are visible after. */
function readCtes(value: unknown, place: Place): ReadonlySet<string> {
  const ctes = new Set(place.ctes)
  shape({
    map: list((entry) => {
      const name = isNode(entry) ? fold(String(entry.key)) : ''
      const here = { ...place, ctes: new Set(ctes) }
      const recursive = { ...place, ctes: new Set(ctes).add(name) }
      const recursiveShape = withCtes({
        type: plain,
        modifiers,
        cte_name: (own) => one('this CTE', name)(fold(String(own)), place),
        union_all: plain,
        left: query,
        right: (half) => query(half, { ...recursive, depth: place.depth + 1 }),
        aliases: plain,
        key_targets: absent('USING KEY'),
      })
      shape({
        key: plain,
        value: shape({
          aliases: plain,
          query: shape({
            node: kinds({ SELECT_NODE: selectShape, SET_OPERATION_NODE: setShape, RECURSIVE_CTE_NODE: recursiveShape }),
            named_param_map: absent('parameters'),
          }),
          // NOT MATERIALIZED would plan the CTE again wherever it is named.
          materialized: one('NOT MATERIALIZED', 'CTE_MATERIALIZE_DEFAULT', 'CTE_MATERIALIZE_ALWAYS'),
          key_targets: absent('USING KEY'),
        }),
      })(entry, here)
      ctes.add(name)
    }),
  })(value, place)
  return ctes
}
