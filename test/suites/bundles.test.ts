import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BORROWERS, plugIn } from './plug-in-folders.ts'
import { readSources, root } from './source-tree.ts'

const CORE_PACKAGES = [
  ...['@logtape/logtape', '@sinclair/typebox', 'itty-router', 'lru-cache', 'multipasta', 'node-sql-parser'],
  'unstorage',
]

/** What a built file loads with its static imports, before anything is asked for: sources, as source maps tell, and packages. */
interface Bundle {
  sources: string[]
  packages: string[]
}

function bundleOf(file: string): Bundle {
  const seen = new Set<string>()
  const sources = new Set<string>()
  const packages = new Set<string>()
  const visit = (name: string): void => {
    if (seen.has(name)) return
    seen.add(name)
    const map: { sources: string[] } = JSON.parse(readFileSync(join(root, 'dist', `${name}.map`), 'utf8'))
    for (const source of map.sources) sources.add(posix.join('dist', source))
    for (const imported of staticImports(readFileSync(join(root, 'dist', name), 'utf8'))) {
      if (imported.startsWith('./')) visit(imported.slice(2))
      else packages.add(imported.split('/', imported.startsWith('@') ? 2 : 1).join('/'))
    }
  }
  visit(file)
  return { sources: [...sources].sort(), packages: [...packages].sort() }
}

function staticImports(code: string): string[] {
  return [...code.matchAll(/^(?:import|export)\b[^;'"]*?["']([^"']+)["'];?$/gm)].map(([, name = '']) => name)
}

const files = readSources('src')
const folders = [...new Set(files.flatMap(({ path }) => plugIn(path) ?? []))].sort()
const packagesOf = (folder: string | undefined) =>
  files
    .filter(({ path }) => plugIn(path) === folder)
    .flatMap(({ imports }) => imports.filter((name) => !name.includes('/') || name.startsWith('@')))

/** The built file that a plug-in's `index.ts` became. */
function built(folder: string): string {
  const entry = `${folder}/index.ts`
  const name = readdirSync(join(root, 'dist')).find((file) => {
    if (!/^\w+-\w+\.js$/.test(file)) return false
    return file.startsWith(`${posix.basename(folder)}-`) && bundleOf(file).sources.includes(entry)
  })
  if (!name) throw new Error(`${entry} is not built into a file of its own`)
  return name
}

describe('the built core', () => {
  for (const file of ['index.js', 'node.js', 'bun.js']) {
    test(`${file} holds no plug-in`, () => {
      expect(bundleOf(file).sources.filter((source) => plugIn(source))).toEqual([])
    })
  }

  test('loads few packages', () => {
    expect(bundleOf('index.js').packages).toEqual(CORE_PACKAGES)
  })
})

describe.each(folders)('the bundle of %s', (folder) => {
  const own = [folder, BORROWERS[folder]]

  test('holds no other plug-in', () => {
    const { sources } = bundleOf(built(folder))
    expect(sources).toContain(`${folder}/index.ts`)
    expect(sources.filter((source) => plugIn(source) && !own.includes(plugIn(source)))).toEqual([])
  })

  test("loads no other plug-in's packages", () => {
    const known = new Set([...own.flatMap(packagesOf), ...CORE_PACKAGES])
    const foreign = folders.filter((other) => !own.includes(other)).flatMap(packagesOf)
    const { packages } = bundleOf(built(folder))
    expect(packages.filter((name) => foreign.includes(name) && !known.has(name) && !name.startsWith('node:'))).toEqual(
      [],
    )
  })
})
