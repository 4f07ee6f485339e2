import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { root } from './source-tree.ts'

vi.setConfig({ testTimeout: 120_000 })

const run = promisify(execFile)
const BUILD = `
const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs')
mkdirSync('dist/site', { recursive: true })
for (const file of ['main.js', 'index.d.ts', 'site/explorer.js', 'site/docs.js']) writeFileSync('dist/' + file, '')
appendFileSync('builds', 'x')
`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prepare-'))
  for (const name of ['src/build', 'adapters']) await mkdir(join(folder, name), { recursive: true })
  await cp(join(root, 'src/build/prepare.ts'), join(folder, 'src/build/prepare.ts'))
  await writeFile(join(folder, 'package.json'), '{"type": "module", "scripts": {"build": "node build.cjs"}}')
  await writeFile(join(folder, 'build.cjs'), BUILD)
  for (const name of ['tsconfig.json', 'tsup.config.ts']) await writeFile(join(folder, name), '')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function builds(): Promise<number> {
  const tsx = join(root, 'node_modules/.bin/tsx')
  await run(tsx, [join(folder, 'src/build/prepare.ts')], { cwd: folder })
  return (await readFile(join(folder, 'builds'), 'utf8')).length
}

test('the package is built when it is not, or is older than its sources, and left alone otherwise', async () => {
  expect(await builds()).toBe(1)
  expect(await builds()).toBe(1)
  const later = Date.now() / 1000 + 60
  await utimes(join(folder, 'src/build/prepare.ts'), later, later)
  expect(await builds()).toBe(2)
})
