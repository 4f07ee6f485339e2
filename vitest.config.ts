import { defineConfig } from 'vitest/config'

// `*.full.ts` are the long suites: kill loops, volumes, a browser.
const full = process.env.FULL ? ['test/**/*.full.ts'] : []

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', ...full],
    // DuckDB's native addon holds files and threads: a process per file lets go of them all.
    pool: 'forks',
    globalSetup: './test/build-program.ts',
    // The emulators answer in seconds where a machine is busy, and a quick test is no better than a slow one.
    testTimeout: full.length > 0 ? 600_000 : process.env.CI ? 120_000 : 30_000,
    hookTimeout: process.env.CI ? 120_000 : 60_000,
    // A machine that is busy with something else must not lose a whole run; what passes at the second try is reported as such.
    retry: process.env.CI ? 1 : 0,
    reporters: ['default', './test/closing-line.ts'],
  },
})
