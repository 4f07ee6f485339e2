// biome-ignore-all format: one case a line
import { deepEqual, equal } from 'node:assert/strict'
import type { Call, ContractCase } from './case.ts'
import { table } from './case.ts'
import { absent, exactly } from './match.ts'

const trees = table('species text, height numeric, n int, seen timestamp', [
  { species: 'oak', height: 12.5, n: 1, seen: '2005-03-01' },
  { species: 'elm', height: 3, n: 2, seen: '2005-03-01T01:02:03.000123' },
  { species: 'oak', height: 7, n: 3, seen: null },
])
const sql = (text: string): Call => ['search_sql', { sql: text }]
const n = (...list: number[]) => ({ records: list.map((value) => ({ n: value })) })

const statements: readonly (readonly [name: string, sql: string, numbers: number[]])[] = [
  ['SELECT', 'SELECT n FROM "$id" ORDER BY n', [1, 2, 3]],
  ['WITH', 'WITH big AS (SELECT n FROM "$id" WHERE height > 5) SELECT n FROM big ORDER BY n', [1, 3]],
  ['VALUES', 'SELECT n FROM (VALUES (1), (2)) AS v(n) ORDER BY n', [1, 2]],
  ['a subquery', 'SELECT n FROM "$id" WHERE height = (SELECT max(height) FROM "$id")', [1]],
  ['a join', 'SELECT a.n FROM "$id" a JOIN "$id" b ON a.species = b.species AND a.n <> b.n ORDER BY a.n', [1, 3]],
  ['UNION', 'SELECT n FROM "$id" WHERE n = 1 UNION SELECT n FROM "$id" WHERE n = 2 ORDER BY n', [1, 2]],
  ['a window', 'SELECT n FROM (SELECT n, row_number() OVER (PARTITION BY species ORDER BY n) AS r FROM "$id") x WHERE r = 1 ORDER BY n', [1, 2]],
  ['a trailing semicolon', 'SELECT n FROM "$id" WHERE n = 1;', [1]],
  ['a semicolon in a text', `SELECT n FROM "$id" WHERE species <> ';' ORDER BY n`, [1, 2, 3]],
  ['a semicolon in a comment', 'SELECT n /* ; */ FROM "$id" ORDER BY n -- ;', [1, 2, 3]],
  ['coalesce, nullif, cast, extract, exists', 'SELECT coalesce(nullif(n, 9), 0)::int AS n FROM "$id" t WHERE exists (SELECT 1) AND cast(extract(year FROM seen) AS int) = 2005 ORDER BY 1', [1, 2]],
  ['count(distinct …)', 'SELECT count(DISTINCT species) AS n FROM "$id"', [2]],
  ['greatest and least', 'SELECT greatest(n, 2) AS n FROM "$id" WHERE least(n, 1) = 1 ORDER BY 1', [2, 2, 3]],
  ['a numeric cast', 'SELECT (height::numeric(10,2) * 0 + n)::int AS n FROM "$id" ORDER BY 1', [1, 2, 3]],
  ['functions in any case', 'SELECT CoUnT(*) AS n FROM "$id"', [3]],
]

const notSingle = { error: { query: ['Query is not a single statement.'], message: /Query is not a single statement/ } }

const searchSql: readonly ContractCase[] = [
  { name: '§8.6 the result', setup: [trees], call: sql('SELECT species, max(height) AS h FROM "$id" GROUP BY species ORDER BY species DESC'), result: exactly({ sql: 'SELECT species, max(height) AS h FROM "$id" GROUP BY species ORDER BY species DESC', fields: [{ id: 'species', type: 'text' }, { id: 'h', type: 'numeric' }], records: [{ species: 'oak', h: 12.5 }, { species: 'elm', h: 3 }] }), smoke: true },
  ...statements.map(([name, text, list]): ContractCase => ({ name: `§8.6 ${name}`, setup: [trees], call: sql(text), ...n(...list) })),
  { name: '§8.6 types', setup: [trees], call: sql(`SELECT count(*) AS a, avg(height) AS b, 'x' AS c, n AS d, seen AS e, height AS f FROM "$id" GROUP BY n, seen, height ORDER BY n`), result: { fields: [{ id: 'a', type: 'int8' }, { id: 'b' }, { id: 'c', type: 'text' }, { id: 'd', type: 'int4' }, { id: 'e', type: 'timestamp' }, { id: 'f', type: 'numeric' }] } },
  { name: '§8.6 now() is a timestamptz', call: sql('SELECT now() AS t'), fields: [{ id: 't', type: 'timestamptz' }] },
  { name: '§8.6 timestamps are ISO without forced milliseconds', setup: [trees], call: sql('SELECT seen FROM "$id" ORDER BY n'), records: [{ seen: '2005-03-01T00:00:00' }, { seen: '2005-03-01T01:02:03.000123' }, { seen: null }] },
  { name: '§8.6 whole numbers divide to whole numbers', setup: [trees], call: sql('SELECT 7/2 AS a, -7/2 AS b, n/2 AS c, 7.0/2 AS d FROM "$id" WHERE n = 3'), records: [{ a: 3, b: -3, c: 1, d: 3.5 }] },
  { name: '§8.6 columns of one name are all kept', setup: [trees], call: sql('SELECT a.n, b.n, 1 AS n_1 FROM "$id" a JOIN "$id" b ON b.n = a.n + 1 ORDER BY a.n'), check: ({ result }) => { const names = result.fields.map(({ id }: { id: string }) => id); equal(new Set(names).size, 3); deepEqual(result.records.map((record: Record<string, number>) => names.map((name: string) => record[name])), [[1, 2, 1], [2, 3, 1]]) } },
  { name: '§8.6 no rows', setup: [trees], call: sql('SELECT n FROM "$id" WHERE false'), records: [] },
  { name: '§8.6 other parameters are echoed', call: ['search_sql', { sql: 'SELECT 1 AS n', other: 'x' }], result: { other: 'x' } },
  { name: '§8.6 other parameters are ignored', call: ['search_sql', { sql: 'SELECT 1 AS n', limit: 0, resource_id: 'x' }], ...n(1) },
  { name: '§8.6 other parameters are not put on a key of the result', call: ['search_sql', { sql: 'SELECT 1 AS n', records: [], fields: 'x', total: 5, _links: 1, records_truncated: true }], result: exactly({ sql: 'SELECT 1 AS n', fields: [{ id: 'n', type: 'int4' }], records: [{ n: 1 }] }) },
  { name: '§8.6 missing sql', call: ['search_sql'], error: { sql: ['Missing value'] } },
  { name: '§8.6 two statements', setup: [trees], call: sql('SELECT 1; SELECT 2'), ...notSingle },
  { name: "§8.6 the characters \\'", setup: [trees], call: sql("SELECT 'a\\'b'"), ...notSingle },
  ...['DELETE FROM "$id"', 'DROP TABLE "$id"', 'UPDATE "$id" SET n = 1', 'INSERT INTO "$id" VALUES (1)', 'CREATE TABLE x (a int)', 'COPY "$id" TO \'/tmp/x\'', 'ATTACH \'x\'', 'PRAGMA version', 'SET threads = 1', 'EXPLAIN SELECT 1', 'SHOW TABLES', 'WITH x AS (DELETE FROM "$id" RETURNING *) SELECT * FROM x', 'SELECT * INTO x FROM "$id"'].map((text): ContractCase => ({
    name: `§8.6 only reads: ${text}`,
    setup: [trees],
    call: sql(text),
    status: 409,
    type: 'Validation Error',
    error: { query: [/./] },
    then: [[['search', { limit: 0 }], { result: { total: 3 } }]],
  })),
  { name: '§8.6 a syntax error', setup: [trees], call: sql('SELECT FROM'), error: { query: [/syntax error/] } },
  { name: '§8.6 an unknown column', setup: [trees], call: sql('SELECT zz FROM "$id"'), error: { query: [/zz/] } },
  { name: '§8.6 an unknown table', call: sql('SELECT * FROM "no-such-table"'), status: 404, error: { message: 'Not found: Resource "no-such-table" was not found.' } },
  ...['pg_catalog.pg_tables', 'pg_class', 'information_schema.tables', '_table_metadata', '_table_aliases', 'sqlite_master', 'duckdb_tables'].map((name): ContractCase => ({ name: `§8.6 the system table ${name}`, call: sql(`SELECT * FROM ${name}`), status: 403, type: 'Authorization Error' })),
  ...['pg_sleep(1)', "read_csv('/etc/passwd')", "getenv('HOME')", "current_setting('threads')", '"pg_sleep"(1)', "nextval('x')", "query('select 1')"].map((call): ContractCase => ({ name: `§8.6 the function ${call} is refused`, call: sql(`SELECT ${call}`), status: 403, type: 'Authorization Error', error: { message: /^Access denied: Not authorized to call function / } })),
  { name: '§8.6 a function in FROM is refused', call: sql("SELECT * FROM read_csv('/etc/passwd')"), status: 403 },
  { name: '§8.6 a file as a table is refused', call: sql("SELECT * FROM '/etc/passwd'"), status: 403 },
  { name: '§8.6 records_truncated', env: { SEARCH_RESULT_ROWS_MAX: '3' }, setup: [table('n int', [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }])], call: sql('SELECT n FROM "$id" ORDER BY n'), ...n(1, 2, 3), result: { records_truncated: true } },
  { name: '§8.6 records_truncated: not at exactly the most', env: { SEARCH_RESULT_ROWS_MAX: '3' }, setup: [table('n int', [{ n: 1 }, { n: 2 }, { n: 3 }])], call: sql('SELECT n FROM "$id" ORDER BY n'), ...n(1, 2, 3), result: { records_truncated: absent } },
  { name: '§8.6 SQL_SEARCH_ENABLED=false: an unknown action', env: { SQL_SEARCH_ENABLED: 'false' }, call: sql('SELECT 1'), status: 400, text: '"Bad request: Action name not known: datastore_search_sql"' },
  { name: '§9.7 constant LIMIT: limit, offset, total, _links', setup: [trees], call: sql('SELECT n FROM "$id" ORDER BY n LIMIT 1 OFFSET 1'), ...n(2), result: { limit: 1, offset: 1, total: 3, _links: { start: /sql=/, prev: /OFFSET\+0/, next: /OFFSET\+2/, page: 2, page_size: 1, total_pages: 3 } }, smoke: true },
  { name: '§9.7 a LIMIT above the most is clamped, and the pages go on', env: { SEARCH_RESULT_ROWS_MAX: '3' }, setup: [table('n int', [1, 2, 3, 4, 5, 6, 7, 8].map((n) => ({ n })))], call: sql('SELECT n FROM "$id" ORDER BY n LIMIT 5 OFFSET 1'), ...n(2, 3, 4), result: { limit: 3, offset: 1, total: 8, records_truncated: true, _links: { next: /LIMIT\+3\+OFFSET\+4/, page_size: 3, total_pages: 3 } } },
  { name: '§9.7 without LIMIT: none of them', setup: [trees], call: sql('SELECT n FROM "$id" ORDER BY n'), result: { limit: absent, offset: absent, total: absent, _links: absent } },
  { name: '§9.7 a LIMIT inside the statement is not its own', setup: [trees], call: sql('SELECT n FROM (SELECT n FROM "$id" ORDER BY n LIMIT 2) x ORDER BY n'), ...n(1, 2), result: { limit: absent, total: absent } },
  { name: '§9.7 a CTE is no table', setup: [trees], call: sql('WITH "no-such-table" AS (SELECT 1 AS n) SELECT n FROM "no-such-table"'), ...n(1) },
]

const META = ['id', 'count', 'table_type', 'size', 'db_size', 'idx_size', 'aliases', 'resource_id', 'total', 'primary_key']

const info: readonly ContractCase[] = [
  { name: '§8.7 the result', setup: [['create', { fields: [{ id: 'species', type: 'text', info: { label: 'Species' } }], records: [{ species: 'oak' }] }]], call: ['info'], result: { meta: { id: '$id', count: 1, table_type: 'BASE TABLE', size: (size: number) => size >= 0, db_size: (size: number) => size > 0, idx_size: (size: number) => size >= 0, aliases: [] }, fields: exactly([{ id: 'species', type: 'text', info: { label: 'Species' }, schema: { native_type: 'text', notnull: false, index_name: null, is_index: false, uniquekey: false } }]) }, smoke: true },
  { name: '§8.7 ten keys in meta', setup: [trees], call: ['info'], result: { meta: (meta: object) => META.every((key) => key in meta) && Object.keys(meta).length === 10 } },
  { name: '§8.7 a key column', setup: [table('a int', [], { primary_key: 'a' })], call: ['info'], result: { fields: [{ schema: { is_index: true, index_name: (name: unknown) => typeof name === 'string', uniquekey: false } }] } },
  { name: '§8.7 an indexed column', setup: [table('a int, b int', [], { indexes: ['a'] })], call: ['info'], result: { fields: [{ schema: { is_index: true } }, { schema: { is_index: false, index_name: null } }] } },
  { name: '§8.7 include_meta=false', setup: [trees], call: ['info', { include_meta: false }], result: { meta: absent, fields: [{}, {}, {}, {}] } },
  { name: '§8.7 include_fields_schema=false', setup: [trees], call: ['info', { include_fields_schema: false }], result: { fields: [exactly({ id: 'species', type: 'text' }), {}, {}, {}] } },
  { name: '§8.7 unknown parameters are ignored', setup: [trees], call: ['info', { x: 1 }] },
  { name: '§8.7 unknown resource', call: ['info'], status: 404, error: { message: 'Not found: Resource/Alias "$id" was not found.' } },
  { name: '§8.7 no resource', call: { line: 'POST /api/3/action/datastore_info {}' }, error: { resource_id: ['Missing value'] } },
  ...['run_triggers', 'function_create', 'function_delete', 'sequence_create', 'sequence_delete', 'sequence_next'].map((action): ContractCase => ({ name: `§8.8 ${action}`, call: [action, { name: 'x' }], status: 501, type: 'Not Implemented', error: { message: `datastore_${action} is not available on this server` }, ...(action === 'run_triggers' && { smoke: true }) })),
]

/** Contract §8.6 to §8.8 and §9.7: SQL, info and what only PostgreSQL has. */
export const sqlAndInfo: readonly ContractCase[] = [...searchSql, ...info]
