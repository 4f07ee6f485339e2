import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { startPostgres } from '../services/postgres.ts'
import { LakeBench } from './lake/lake-bench.ts'
import { reads } from './lake/reads.ts'
import { tables } from './lake/tables.ts'
import { writes } from './lake/writes.ts'

const parts = { writes, reads, tables }

const HELP = `npm run bench:lake -- [options]

  --only NAME     only these parts (repeatable): ${Object.keys(parts).join(', ')}
  --seconds N     how long each figure is measured (10)
  --rows N        rows of the table that is read (1,000,000)
  --tables N      tables that there are in the end (1,000)

A lake with its catalog in a PostgreSQL server of its own and a local folder, over HTTP.
`

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: Object.keys(parts) },
    seconds: { type: 'string', default: '10' },
    rows: { type: 'string', default: '1000000' },
    tables: { type: 'string', default: '1000' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(HELP)
else {
  const postgres = await startPostgres()
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  say(`${cpus().length} cores, Node ${process.versions.node}, load ${loadavg()[0]?.toFixed(1)} before`)
  try {
    for (const name of values.only as (keyof typeof parts)[]) {
      const bench = await LakeBench.open(postgres, Number(values.seconds) * 1000, say)
      await parts[name](bench, { rows: Number(values.rows), tables: Number(values.tables) }).finally(() =>
        bench.close(),
      )
    }
  } finally {
    await postgres.close()
  }
}
