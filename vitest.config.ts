import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// `*.full.ts` are the long suites: kill loops, volumes, a browser.
const full = process.env.FULL ? ['test/**/*.full.ts'] : []

/** Suites on an emulator and on a lake take longest by far: they begin first, so that at the end no core waits for one. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => /\/engines\/(bigquery|ducklake)\//.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', ...full],
    globalSetup: './test/build-program.ts',
    // DuckDB's native addon holds files and threads: a process per file lets go of them all.
    pool: 'forks',
    // Tests wait as often as they work, so that two cores take two files at once.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    // The emulators answer in seconds where a machine is busy, and a quick test is no better than a slow one.
    testTimeout: full.length > 0 ? 600_000 : process.env.CI ? 120_000 : 30_000,
    hookTimeout: process.env.CI ? 120_000 : 60_000,
    // A machine that is busy with something else must not lose a whole run; what passes at the second try is reported as such.
    retry: process.env.CI ? 1 : 0,
    reporters: ['default', './test/closing-line.ts'],
  },
})
