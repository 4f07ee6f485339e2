/** Run by itself: every JSON function of the default list over JSON of 200,000 levels. Says what it does next. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { functionGroups } from '../../../src/infrastructure/engines/duckdb/gate/functions.ts'
import type { SqlPlan } from '../../../src/infrastructure/engines/engine.ts'
import { openIn } from './open.ts'

const texts = [`repeat('[', 200000) || repeat(']', 200000)`, `repeat('{"a":', 200000) || '1' || repeat('}', 200000)`]
const calls = (functionGroups.json ?? '')
  .trim()
  .split(/\s+/)
  .filter((name) => !/^json_(each|tree)$/.test(name))
  .flatMap((name) => ['j', `j, '$.a[0]'`, `j, '["JSON"]'`, 'j, j'].map((args) => `${name}(${args})`))
const casts = ['json', 'json[]', 'varchar[]', 'struct(a json)', 'map(varchar, json)'].map((type) => `j::json::${type}`)
const others = [
  `j::json->'a'`,
  'j::json->>0',
  'j::json = j::json',
  '(SELECT count(*) FROM json_each(j))',
  'j::json',
  'array[j::json]',
  'row(j::json)',
]

const path = await mkdtemp(join(tmpdir(), 'deep-json-'))
const engine = await openIn(path, { DUCKDB_MEMORY_LIMIT: '512MB' })
const plan: Omit<SqlPlan, 'sql'> = { tables: [], functions: [], resolved: new Map(), rowsMax: 10, format: 'objects' }
for (const text of texts) {
  for (const expression of [...calls, ...casts, ...others]) {
    process.stdout.write(`\n${expression}`)
    const sql = `SELECT ${expression} AS r FROM (SELECT ${text} AS j FROM range(1))`
    const outcome = await engine.runSql({ ...plan, sql }, { signal: AbortSignal.timeout(1000) }).then(
      () => 'answered',
      (error: unknown) => `refused: ${error}`,
    )
    process.stdout.write(`: ${outcome.slice(0, 60)}`)
  }
}
await engine.close()
await rm(path, { recursive: true, force: true })
process.stdout.write('\nall done')
