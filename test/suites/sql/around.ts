import fc from 'fast-check'

/** Legal SQL around an expression. */
export const aroundExpression: readonly ((core: string) => string)[] = [
  (core) => `SELECT ${core}`,
  (core) => `SELECT a FROM open_table WHERE ${core} IS NOT NULL`,
  (core) => `SELECT a FROM open_table ORDER BY ${core}`,
  (core) => `SELECT count(*) FROM open_table GROUP BY ${core}`,
  (core) => `SELECT max(a) FROM open_table HAVING ${core} IS NULL`,
  (core) => `SELECT sum(a) OVER (PARTITION BY b ORDER BY ${core}) FROM open_table`,
  (core) => `SELECT rank() OVER w FROM open_table WINDOW w AS (ORDER BY ${core})`,
  (core) => `SELECT count(*) FILTER (WHERE ${core} IS NULL) FROM open_table`,
  (core) => `SELECT o.a FROM open_table o JOIN open_table p ON ${core} IS NULL`,
  (core) => `SELECT x.v FROM open_table, LATERAL (SELECT ${core} AS v) x`,
  (core) => `SELECT * FROM (VALUES (1, ${core})) v(i, j)`,
  (core) => `SELECT a FROM open_table WHERE a IN (SELECT length(${core}::text))`,
]
/** Legal SQL around a table. */
export const aroundTable: readonly ((core: string) => string)[] = [
  (core) => `SELECT * FROM ${core}`,
  (core) => `SELECT count(*) FROM open_table, ${core}`,
  (core) => `SELECT o.a FROM open_table o LEFT JOIN ${core} ON true`,
  (core) => `SELECT 1 WHERE EXISTS (SELECT 1 FROM ${core})`,
  (core) => `SELECT a FROM open_table WHERE a IN (SELECT 1 FROM ${core})`,
  (core) => `SELECT (SELECT count(*) FROM ${core})`,
]
/** Legal SQL around a query. */
export const aroundQuery: readonly ((query: string) => string)[] = [
  (query) => `SELECT * FROM (${query}) q`,
  (query) => `WITH c AS (${query}) SELECT * FROM c`,
  (query) => `WITH canary AS (SELECT 1 AS secret), c AS (${query}) SELECT * FROM c`,
  (query) =>
    `WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n, (SELECT count(*) FROM (${query}) q) FROM r`,
  (query) => `SELECT 1 AS x WHERE EXISTS (${query})`,
  (query) => `SELECT a FROM open_table WHERE a IN (SELECT 1 FROM (${query}) q)`,
  (query) => `SELECT CASE WHEN EXISTS (${query}) THEN 1 ELSE 2 END AS x`,
  (query) => `(SELECT 1 AS x) UNION ALL (SELECT count(*) FROM (${query}) q)`,
  (query) => `SELECT 1 AS x EXCEPT SELECT count(*) FROM (${query}) q`,
  (query) => `SELECT o.a FROM open_table o CROSS JOIN LATERAL (${query}) l`,
  (query) => `SELECT sum(n) OVER () AS s FROM (SELECT count(*) AS n FROM (${query}) q) w`,
  (query) => `SELECT * FROM (${query} -- a comment; here\n) q /* and; here */;`,
]

/** Each of `cores` in one of `around`, and that in up to four queries. */
export const wrapped = (cores: readonly string[], around: readonly ((core: string) => string)[]) =>
  fc
    .tuple(
      fc.constantFrom(...cores),
      fc.constantFrom(...around),
      fc.array(fc.constantFrom(...aroundQuery), { maxLength: 4 }),
    )
    .map(([core, inner, outer]) => ({
      core,
      // A `;` and what follows it can only end the whole.
      sql: outer.reduce((sql, wrap) => wrap(sql.replace(/;$/, '')), inner(core)),
    }))
