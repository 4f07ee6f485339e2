import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadProvider, type ProviderContext } from '../../src/auth/registry.ts'
import { staleOutputs } from '../../src/build/generate.ts'
import { readConfig } from '../../src/core/config.ts'
import { createLogger } from '../../src/core/log.ts'
import { loadEngine } from '../../src/infrastructure/engines/registry.ts'
import { root } from './source-tree.ts'

const { config } = readConfig({})
const logger = createLogger(config, () => {})
const cache: ProviderContext['cache'] = { get: async () => undefined, set: async () => {}, close: async () => {} }

describe('a name that is no folder is refused with those that are', () => {
  const engines = folders('src/infrastructure/engines')
  const providers = folders('src/auth')

  for (const name of ['nope', 'sql', 'constructor', '__proto__', '../duckdb', 'DuckDB']) {
    test(`DATASTORE_ENGINE=${name}`, () =>
      expect(loadEngine(name, { config, logger })).rejects.toThrow(
        `DATASTORE_ENGINE must be one of ${engines}, not ${JSON.stringify(name)}`,
      ))
    test(`AUTH_TYPE=${name}`, () =>
      expect(loadProvider(name, { config, logger, cache })).rejects.toThrow(
        `AUTH_TYPE must be one of ${providers}, not ${JSON.stringify(name)}`,
      ))
  }
})

test('the committed maps are what the folders say', async () => {
  expect((await staleOutputs(root)).map(({ path }) => path)).toEqual([])
})

describe('in a copy of the tree', () => {
  const copy = mkdtempSync(join(tmpdir(), 'plug-ins-'))
  afterAll(() => rmSync(copy, { recursive: true }))

  beforeAll(() => {
    cpSync(join(root, 'src'), join(copy, 'src'), { recursive: true })
    cpSync(join(root, 'package.json'), join(copy, 'package.json'))
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir')
    drop(
      'src/infrastructure/engines/throw-away',
      'export default ({ config }) => ({ name: "at " + config.duckdbPath })',
    )
    drop('src/infrastructure/engines/packaged', "import 'a-package-that-is-not-installed'\nexport default () => ({})")
    drop('src/auth/throw-away', 'export default async () => ({ name: "thrown away" })')
    drop('src/auth/needy', 'export const needs = ["ckanUrl", "duckdbPath"]\nexport default () => ({ name: "fed" })')
  })

  function drop(folder: string, source: string): void {
    mkdirSync(join(copy, folder))
    writeFileSync(join(copy, folder, 'index.ts'), source)
  }

  /** Runs a file or a script of the copy from its source, and answers what it prints. */
  function run(...script: string[]): string {
    return execFileSync(process.execPath, ['--import', 'tsx', ...script], {
      cwd: copy,
      encoding: 'utf8',
      stdio: 'pipe',
    })
  }

  test('a folder dropped in is picked up, loaded, and told what it lacks', () => {
    expect(() => run('src/build/generate.ts', '--check')).toThrow(/engines\/_modules\.ts is stale/)
    run('src/build/generate.ts')
    run('src/build/generate.ts', '--check')
    const map = readFileSync(join(copy, 'src/infrastructure/engines/_modules.ts'), 'utf8')
    expect(map).toContain("'throw-away': () => import('./throw-away/index.ts')")

    writeFileSync(
      join(copy, 'load.ts'),
      `
      import { loadProvider } from './src/auth/registry.ts'
      import { loadEngine } from './src/infrastructure/engines/registry.ts'
      const name = (plugIn) => plugIn.then(({ name }) => name, (error) => error.name + ': ' + error.message)
      const config = { duckdbPath: 'here' }
      console.log(JSON.stringify([
        await name(loadEngine('throw-away', { config })),
        await name(loadProvider('throw-away', { config })),
        await name(loadEngine('packaged', { config })),
        await name(loadProvider('needy', { config })),
        await name(loadProvider('needy', { config: { ...config, ckanUrl: 'http://ckan' } })),
      ]))`,
    )
    expect(JSON.parse(run('load.ts'))).toEqual([
      'at here',
      'thrown away',
      'ConfigurationError: DATASTORE_ENGINE=packaged needs the package a-package-that-is-not-installed: npm install a-package-that-is-not-installed',
      'ConfigurationError: AUTH_TYPE=needy needs CKAN_URL',
      'fed',
    ])
  })
})

function folders(home: string): string {
  const map = readFileSync(join(root, home, '_modules.ts'), 'utf8')
  return [...map.matchAll(/import\('\.\/([^/]+)\/index\.ts'\)/g)].map(([, name]) => name).join(', ')
}
