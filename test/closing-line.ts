import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** Closes the run with `N passed, N failed, N skipped`. A file that does not load counts as one failure. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      for (const test of tests) counts[test.result().state]++
      if (module.state() === 'failed' && !tests.some((test) => test.result().state === 'failed')) counts.failed++
    }
    if (modules.some(({ moduleId }) => moduleId.includes('/engines/bigquery/'))) console.log(whereBigqueryRan())
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  }
}

function whereBigqueryRan(): string {
  return process.env.BIGQUERY_TEST_PROJECT
    ? 'BigQuery: the suites of engines/bigquery ran against Google'
    : 'BigQuery: not run against Google, on emulators alone (BIGQUERY_TEST_PROJECT is not set)'
}
