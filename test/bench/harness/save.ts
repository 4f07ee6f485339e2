import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SEED } from './data.ts'
import type { Figure } from './figures.ts'
import { table } from './report.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
export const RESULTS = join(ROOT, 'bench/results/latest.json')
export const DOCS = join(ROOT, 'docs/performance.md')

export interface Results {
  when: string
  commit: string
  command: string
  machine: Record<string, unknown>
  seed: number
  figures: Figure[]
}

/** Keeps a complete run: as data, and as the table of the documentation. */
export async function save(figures: readonly Figure[], command: string, loadBefore: readonly number[]): Promise<void> {
  const results: Results = {
    when: new Date().toISOString(),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim(),
    command,
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
    figures: figures.map(rounded),
  }
  await mkdir(join(RESULTS, '..'), { recursive: true })
  await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`)
  await writeFile(DOCS, withResults(await readFile(DOCS, 'utf8'), results))
}

/** The page with the results between its marks. */
export function withResults(page: string, { when, command, machine, figures }: Results): string {
  const { cpu, cores, memoryGb, node, loadBefore } = machine
  const run =
    `\`${command}\` on ${when.slice(0, 10)}: ${cpu}, ${cores} cores, ${memoryGb} GB, Node ${node}; ` +
    `load average before it ${(loadBefore as number[])[0]}, from other work on the same cores.`
  return page.replace(
    /<!-- results -->[\s\S]*<!-- \/results -->/,
    () => `<!-- results -->\n\n${run}\n\n${table(figures)}\n\n<!-- /results -->`,
  )
}

function rounded(figure: Figure): Figure {
  const entries = Object.entries(figure).map(([name, value]) => [
    name,
    typeof value === 'number' ? round(value) : value,
  ])
  return Object.fromEntries(entries) as Figure
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}
