import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Bench } from './harness/bench.ts'
import { openCkan } from './harness/ckan.ts'
import { LARGE, MEDIUM, SEED, SMALL } from './harness/data.ts'
import type { Figure } from './harness/figures.ts'
import { Prepared } from './harness/prepare.ts'
import { table } from './harness/report.ts'
import { buildServer } from './harness/server.ts'
import { rows } from './rows/index.ts'

const HELP = `npm run bench -- [options]

  --full           with a table of 10,000,000 rows and 5,000 small ones
  --only NAME      only these rows (repeatable): ${Object.keys(rows).join(', ')}
  --rounds N       how often each side is measured (5)
  --data FOLDER    keep the tables there, and take them from there the next time

BENCH_CKAN_URL and BENCH_CKAN_TOKEN measure a real CKAN beside; else its column shows stored figures.
A complete run writes bench/results/latest.json.
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
  if (values.only.length === 0) await save(bench.figures, loadBefore)
}

async function measure(bench: Bench, name: string, say: (text: string) => void): Promise<void> {
  const row = rows[name]
  if (!row) throw new Error(`There is no row "${name}": ${Object.keys(rows).join(', ')}`)
  say(`\n${name}`)
  bench.row = name
  try {
    await row(bench)
  } finally {
    await bench.clear()
  }
}

async function save(figures: readonly Figure[], loadBefore: readonly number[]): Promise<void> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const result = {
    when: new Date().toISOString(),
    commit: execFileSync('git', ['describe', '--always', '--dirty'], { cwd: root, encoding: 'utf8' }).trim(),
    command: values.full ? 'npm run bench -- --full' : 'npm run bench',
    machine: {
      cpu: cpus()[0]?.model,
      cores: availableParallelism(),
      memoryGb: Math.round(totalmem() / 2 ** 30),
      platform: platform(),
      node: process.version,
      loadBefore: loadBefore.map(round),
      loadAfter: loadavg().map(round),
    },
    seed: SEED,
    figures: figures.map((figure) =>
      Object.fromEntries(
        Object.entries(figure).map(([name, value]) => [name, typeof value === 'number' ? round(value) : value]),
      ),
    ),
  }
  await mkdir(`${root}/bench/results`, { recursive: true })
  await writeFile(`${root}/bench/results/latest.json`, `${JSON.stringify(result, null, 2)}\n`)
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}
