import { afterAll, describe, expect, test } from 'vitest'
import type { ContractCase } from './case.ts'
import { contractCases } from './cases.ts'
import type { Open } from './run.ts'
import { runCase, sectionOf } from './run.ts'

/** Cases that are known not to hold, by name, each with the reason. One that holds again fails the run. */
export type Gaps = Readonly<Record<string, string>>

/**
 * Runs the contract's cases as tests, and closes with a table: of how many cases of each section how many hold.
 *
 * @param smoke - Only the short form: one case for each section.
 */
export function describeContract({
  open,
  gaps = {},
  smoke = false,
}: {
  open: Open
  gaps?: Gaps
  smoke?: boolean
}): void {
  const counts = new Map<string, { hold: number; all: number }>()
  const cases = contractCases.filter((row) => !smoke || row.smoke)
  for (const section of new Set(cases.map(sectionOf))) {
    const count = { hold: 0, all: 0 }
    counts.set(section, count)
    describe(section, () => {
      for (const row of cases.filter((row) => sectionOf(row) === section)) {
        test(row.name, async ({ skip }) => {
          count.all += 1
          const outcome = await attempt(open, row, gaps[row.name])
          if (outcome === 'holds') count.hold += 1
          else if (outcome !== 'gap') {
            count.all -= 1
            skip(outcome.skipped)
          }
        })
      }
    })
  }

  if (!smoke)
    test('every known gap is a case', () =>
      expect(Object.keys(gaps).filter((name) => !contractCases.some((row) => row.name === name))).toEqual([]))

  afterAll(() => console.log(tableOf(counts)))
}

async function attempt(open: Open, row: ContractCase, gap: string | undefined) {
  if (gap === undefined) return runCase(open, row)
  const failure = await runCase(open, row).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (failure === undefined) expect.fail(`this is listed as a known gap (${gap}) and holds: take it off the list`)
  return 'gap' as const
}

function tableOf(counts: ReadonlyMap<string, { hold: number; all: number }>): string {
  const rows = [...counts].map(
    ([section, { hold, all }]) => `${section.padEnd(8)}${String(hold).padStart(5)} of ${String(all).padStart(4)} hold`,
  )
  const sum = (key: 'hold' | 'all') => [...counts.values()].reduce((total, count) => total + count[key], 0)
  return [
    ...rows,
    `${'all'.padEnd(8)}${String(sum('hold')).padStart(5)} of ${String(sum('all')).padStart(4)} hold`,
  ].join('\n')
}
