"""
Starts local-bigquery, made quick for long test files. Its own look-ups go through every table of every database, and
each result that it ever gave is one: the thousandth statement takes ten times as long as the first. Here a look-up asks
DuckLake's metadata for the one table that is meant, and only the latest results are kept.

A handler of errors inside of another one does not change what the outer one raises again, as in GoogleSQL.
"""

import collections
import ctypes

import duckdb

# The emulator ends with its test process, however that ends.
try:
    ctypes.CDLL(None).prctl(1, 9)
except AttributeError:
    pass

# Without threads of its own: waking them takes longer than what there is to do.
connect = duckdb.connect
duckdb.connect = lambda *args, config={}, **rest: connect(*args, config={"threads": 1, **config}, **rest)

from local_bigquery.cli import main  # noqa: E402
from local_bigquery.engine import database, results  # noqa: E402
from local_bigquery.sql import script  # noqa: E402

RESULTS_KEPT = 200
STORED = (
    'FROM {0}.ducklake_table AS t JOIN {0}.ducklake_schema AS s ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL '
    "AND s.schema_name = $1 AND t.table_name = coalesce($2, t.table_name) AND t.end_snapshot IS NULL"
)
OBJECTS = (
    "SELECT t.table_name, 'TABLE', coalesce(n.record_count, 0) " + STORED + " "
    "LEFT JOIN {0}.ducklake_table_stats AS n ON n.table_id = t.table_id "
    "UNION ALL SELECT v.view_name, 'VIEW', 0 FROM {0}.ducklake_view AS v JOIN {0}.ducklake_schema AS s "
    "ON s.schema_id = v.schema_id AND s.end_snapshot IS NULL AND s.schema_name = $1 "
    "AND v.view_name = coalesce($2, v.view_name) AND v.end_snapshot IS NULL ORDER BY 1"
)
COLUMNS = (
    "SELECT c.column_name, c.nulls_allowed " + STORED + " "
    "JOIN {0}.ducklake_column AS c ON c.table_id = t.table_id AND c.end_snapshot IS NULL AND c.parent_column IS NULL"
)
fetch = database.fetch


def metadata(project: str) -> str:
    return database.quote(f"__ducklake_metadata_{project}", "main")


def objects(project: str, dataset: str, table: str | None = None) -> list[tuple[str, str, int]]:
    if project != "emulator":
        return fetch(OBJECTS.format(metadata(project)), [dataset, table])
    try:
        return [(table, "TABLE", *fetch(f"SELECT count(*) FROM {database.quote(project, dataset, table)}")[0])]
    except duckdb.CatalogException:
        return []


def quick_fetch(sql: str, params: list | None = None) -> list[tuple]:
    if "FROM duckdb_columns()" not in sql:
        return fetch(sql, params)
    project, dataset, table, *column = params
    if project == "emulator":
        return []
    columns = fetch(COLUMNS.format(metadata(project)), [dataset, table])
    return [(name,) for name, nullable in columns if (name in column if column else not nullable)]


kept = collections.deque()
materialise = results.materialise


def keep_latest(cur, query, name, *args, **rest):
    materialise(cur, query, name, *args, **rest)
    if not name.startswith('"emulator"."_results"'):
        return
    kept.append(name)
    if len(kept) > RESULTS_KEPT:
        database.execute(f"DROP TABLE IF EXISTS {kept.popleft()}")


block = script.Interpreter.block
ERRORS = ("error.message", "error.statement_text", "error.formatted_stack_trace")


def block_with_its_own_error(self, statement):
    before = {name: self.context.system.get(name) for name in ERRORS}
    block(self, statement)
    if statement.otherwise is not None:
        self.context.system |= before


script.Interpreter.block = block_with_its_own_error
database.objects, database.fetch, results.materialise = objects, quick_fetch, keep_latest
main()
