import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { TestProject } from 'vitest/node'
import { root } from './suites/source-tree.ts'

/**
 * Bundles the program once for all tests that start it as a process (`fixtures/program.ts`): read from its source, it
 * would be translated anew each time, which takes longer than most of what they ask of it.
 */
export default async function buildProgram(project: TestProject): Promise<() => void> {
  // Inside the project, where its packages and the built pages are found.
  const outdir = join(root, '.test-program', String(process.pid))
  const bundle = () =>
    build({
      ...{ entryPoints: [join(root, 'adapters/node/main.ts')], outdir },
      ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node20' },
      ...{ packages: 'external', logLevel: 'error' },
    })
  await bundle()
  project.onTestsRerun(async () => void (await bundle()))
  process.env.TEST_PROGRAM = join(outdir, 'main.js')
  return () => rmSync(outdir, { recursive: true, force: true })
}
