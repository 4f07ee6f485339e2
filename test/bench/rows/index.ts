import type { Bench } from '../harness/bench.ts'
import cached from './cached.ts'
import dump from './dump.ts'
import filters from './filters.ts'
import health from './health.ts'
import load from './load.ts'
import memory from './memory.ts'
import objects from './objects.ts'
import search from './search.ts'
import smallTables from './small-tables.ts'
import text from './text.ts'
import upsert from './upsert.ts'

/** The rows of the table, by the names that `--only` takes, in the order in which they are measured. */
export const rows: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  dump,
  memory,
  search,
  cached,
  filters,
  text,
  objects,
  upsert,
  load,
  'small-tables': smallTables,
  health,
}
