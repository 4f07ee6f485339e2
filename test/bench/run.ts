import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { Bench } from './harness/bench.ts'
import { openCkan } from './harness/ckan.ts'
import { LARGE, MEDIUM, SMALL } from './harness/data.ts'
import { Prepared } from './harness/prepare.ts'
import { table } from './harness/report.ts'
import { save } from './harness/save.ts'
import { buildServer } from './harness/server.ts'
import { rows } from './rows/index.ts'

const HELP = `npm run bench -- [options]

  --full           with a table of 10,000,000 rows and 5,000 small ones
  --only NAME      only these rows (repeatable): ${Object.keys(rows).join(', ')}
  --rounds N       how often each side is measured (5)
  --data FOLDER    keep the tables there, and take them from there the next time

BENCH_CKAN_URL and BENCH_CKAN_TOKEN measure a real CKAN beside; else its column shows stored figures.
A complete run writes bench/results/latest.json and the table in docs/performance.md.
`

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '5' },
    data: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) process.stdout.write(HELP)
else await main()

async function main(): Promise<void> {
  const names = values.only.length > 0 ? values.only : Object.keys(rows)
  const unknown = names.find((name) => !(name in rows))
  if (unknown !== undefined) throw new Error(`There is no row "${unknown}": ${Object.keys(rows).join(', ')}`)
  const loadBefore = loadavg()
  const say = (text: string) => process.stderr.write(`${text}\n`)
  await buildServer()
  const sizes = [SMALL, MEDIUM, ...(values.full ? [LARGE] : [])]
  const prepared = await Prepared.make(sizes, values.data, say)
  const ckan = await openCkan(process.env, prepared, say)
  const bench = new Bench({
    prepared,
    full: values.full,
    rounds: Number(values.rounds),
    ckan: ckan?.target,
    say: (figure) => say(table([figure]).split('\n').at(-1) as string),
  })
  try {
    for (const name of names) await measure(bench, name, say)
  } finally {
    await prepared.remove()
    await ckan?.close()
  }
  process.stdout.write(`${table(bench.figures)}\n\n° stored, not measured in this run\n`)
  if (values.only.length > 0) return
  const options = [values.full ? ['--full'] : [], values.rounds === '5' ? [] : ['--rounds', values.rounds]].flat()
  await save(bench.figures, ['npm run bench', ...(options.length > 0 ? ['--', ...options] : [])].join(' '), loadBefore)
}

async function measure(bench: Bench, name: string, say: (text: string) => void): Promise<void> {
  say(`\n${name}`)
  bench.row = name
  try {
    await rows[name]?.(bench)
  } catch (error) {
    // The other rows are worth having all the same.
    process.exitCode = 1
    say(error instanceof Error ? (error.stack ?? error.message) : String(error))
    bench.skip(`${name}: the rest`, 'it failed')
  } finally {
    await bench.clear()
  }
}
