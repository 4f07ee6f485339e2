import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import tsup from '../../tsup.config.ts'
import { root } from './source-tree.ts'

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { entry, dts } = tsup as { entry: Record<string, string>; dts: { entry: Record<string, string> } }

/** What programs import from `ckan-datastore`. A name that goes away breaks them. */
const PUBLIC = [
  ...[
    'ConfigurationError',
    'DatastoreError',
    'NotAuthorized',
    'NotFound',
    'NotImplemented',
    'ServiceUnavailable',
    'StaleSchema',
  ],
  ...['ValidationError', 'columnType', 'createDatastore'],
]

/** Every file under `dist/` that package.json promises. */
function promised(value: unknown): string[] {
  if (typeof value === 'string') return value.includes('dist/') ? [value.replace('./', '')] : []
  return Object.values(value ?? {}).flatMap(promised)
}

describe('package.json', () => {
  const starter: string = manifest.bin['ckan-datastore']
  const files = [...promised(manifest.exports), 'dist/main.js']
  const built = (entries: Record<string, string>, ending: string) =>
    Object.keys(entries).map((name) => `dist/${name}${ending}`)

  test('promises what the build makes, and nothing else', () => {
    expect(files.sort()).toEqual([...built(entry, '.js'), ...built(dts.entry, '.d.ts')].sort())
  })

  for (const source of Object.values(entry)) {
    test(`${source} is there`, () => expect(existsSync(join(root, source))).toBe(true))
  }

  for (const file of manifest.files as string[]) {
    test(`ships ${file}`, () => expect(existsSync(join(root, file))).toBe(true))
  }

  for (const file of files) {
    test(`${file} is built`, () => expect(existsSync(join(root, file))).toBe(true))
  }

  for (const file of Object.values(manifest.imports as Record<string, string>)) {
    test(`${file} is built`, () => expect(existsSync(join(root, file))).toBe(true))
  }

  test('the command can be run by itself', () => {
    expect(readFileSync(join(root, starter), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n[\s\S]*dist\/main\.js/)
    expect(manifest.scripts.start).toContain(starter)
    expect(manifest.files).toContain(starter)
  })
})

describe('the public names', () => {
  const names = {
    '../../src/index.ts': PUBLIC,
    '../../adapters/node/serve.ts': ['listener', 'serve'],
    '../../adapters/bun/serve.ts': ['serve'],
  }
  for (const [path, expected] of Object.entries(names)) {
    test(`of ${path}`, async () => expect(Object.keys(await import(path)).sort()).toEqual(expected))
  }
})
