import type { Bench } from '../harness/bench.ts'
import search from './search.ts'

/** The rows of the table, by the names that `--only` takes, in the order in which they are measured. */
export const rows: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  search,
}
