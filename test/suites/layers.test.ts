import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { BORROWERS, isUnder, plugIn } from './plug-in-folders.ts'
import { readSources, root, type SourceFile } from './source-tree.ts'

/** Folders and their ranks; the longest that fits counts. Imports go to a lower rank, or stay in their folder. */
const RANKS: Record<string, number> = {
  'src/core': 0,
  'src/schemas': 1,
  'src/infrastructure': 1,
  'src/services': 2,
  'src/auth': 2,
  'src/api': 3,
  'src/app.ts': 4,
  'src/index.ts': 5,
  'src/build': 5,
  'src/explorer': 5,
  'src/cli': 5,
  'adapters/node': 6,
  'adapters/bun': 7,
  'adapters/node/main.ts': 8,
}

/** Where each library may be imported. */
const HOMES: Record<string, string[]> = {
  '@google-cloud/bigquery': ['src/infrastructure/engines/bigquery'],
  'google-auth-library': ['src/infrastructure/engines/bigquery/credentials.ts'],
  '@google-cloud/storage': ['src/infrastructure/engines/bigquery'],
  '@duckdb/node-api': ['src/infrastructure/engines/duckdb', 'src/infrastructure/engines/ducklake'],
  '@hono/node-server': ['adapters/node'],
  '@logtape/logtape': ['src/core/log.ts'],
  '@sinclair/typebox': [
    'src/core/auth-settings.ts',
    'src/core/config.ts',
    'src/core/server-settings.ts',
    'src/core/setting.ts',
    'src/core/settings.ts',
    'src/schemas',
    'src/api/operation.ts',
    'src/api/routes.ts',
  ],
  hyparquet: ['src/infrastructure/engines/bigquery/load'],
  'hyparquet-compressors': ['src/infrastructure/engines/bigquery/load'],
  ioredis: ['src/infrastructure/cache.ts', 'src/infrastructure/rate-limits.ts'],
  'itty-router': ['src/api'],
  jose: ['src/auth/jwt'],
  'prom-client': ['src/infrastructure/metrics.ts'],
  'rate-limiter-flexible': ['src/infrastructure/rate-limits.ts'],
  '@opentelemetry/api': ['src/infrastructure/traces.ts'],
  '@opentelemetry/core': ['src/infrastructure/traces.ts'],
  '@opentelemetry/exporter-trace-otlp-http': ['src/infrastructure/traces.ts'],
  '@opentelemetry/resources': ['src/infrastructure/traces.ts'],
  '@opentelemetry/sdk-trace-base': ['src/infrastructure/traces.ts'],

  '@orama/stemmers': ['src/core/text-search'],
  'wink-porter2-stemmer': ['src/core/text-search'],
  'cli-progress': ['src/cli'],
  citty: ['src/cli'],
  'client-zip': ['src/services/stream/zip.ts'],
  multipasta: ['src/api'],
  pg: ['src/infrastructure/engines/ducklake'],
  'lru-cache': ['src/infrastructure/byte-cache.ts', 'src/infrastructure/cache.ts'],
  'node-sql-parser': ['src/services', 'src/infrastructure/engines/bigquery'],
  unstorage: ['src/infrastructure/cache.ts'],
}

/** Bundled into the pages for people by the build: no dependencies of the package. */
const BUNDLED: Record<string, string[]> = {
  'swagger-ui-dist': ['src/explorer/docs.ts'],
  preact: ['src/explorer'],
  '@preact/signals': ['src/explorer'],
  '@tanstack/virtual-core': ['src/explorer'],
  'chart.js': ['src/explorer'],
}

/** Where Node's own modules may be imported. */
const NODE = ['src/infrastructure/engines/*/', 'src/build/', 'src/cli/', 'adapters/node/', 'adapters/bun/']

const files = readSources('src', 'adapters')
const isPath = (name: string) => /^(src|adapters)\//.test(name)

function place(path: string): string | undefined {
  const fitting = Object.keys(RANKS).filter((folder) => isUnder(path, folder))
  return fitting.sort((a, b) => b.length - a.length)[0]
}

function isAllowed(from: string, to: string): boolean {
  const [home, target] = [place(from), place(to)]
  if (home === undefined || target === undefined) return false
  return home === target || (RANKS[target] ?? 9) < (RANKS[home] ?? -1)
}

/** `path → import`, for every import that breaks the rule. */
function violations(breaks: (file: SourceFile, imported: string) => boolean): string[] {
  return files.flatMap((file) =>
    file.imports.filter((imported) => breaks(file, imported)).map((imported) => `${file.path} → ${imported}`),
  )
}

describe('the source tree', () => {
  test('is read', () => {
    expect(files.length).toBeGreaterThan(20)
    expect(files.find(({ path }) => path === 'src/core/config.ts')?.imports).toContain('src/core/errors.ts')
    expect(files.find(({ path }) => path === 'src/auth/_modules.ts')?.imports).toContain('src/auth/anonymous/index.ts')
    expect(isAllowed('src/core/config.ts', 'src/schemas/shared.ts')).toBe(false)
    expect(isAllowed('src/schemas/shared.ts', 'src/infrastructure/cache.ts')).toBe(false)
  })

  test('has a rank for every file', () => {
    expect(files.map(({ path }) => path).filter((path) => place(path) === undefined)).toEqual([])
  })

  test('imports only downwards', () => {
    expect(violations(({ path }, imported) => isPath(imported) && !isAllowed(path, imported))).toEqual([])
  })

  test('names no plug-in outside its folder', () => {
    expect(
      violations(({ path }, imported) => {
        const target = plugIn(imported)
        const isAtHome = target !== undefined && (isUnder(path, target) || BORROWERS[plugIn(path) ?? ''] === target)
        return target !== undefined && !path.endsWith('/_modules.ts') && !isAtHome
      }),
    ).toEqual([])
  })

  test('imports libraries only where they live', () => {
    const isLibrary = (name: string) => !isPath(name) && !/^(node:|#)|\.json$/.test(name)
    const isTool = (path: string) => path.startsWith('src/build/')
    expect(
      violations(
        ({ path }, imported) =>
          isLibrary(imported) &&
          !isTool(path) &&
          !{ ...HOMES, ...BUNDLED }[imported]?.some((home) => isUnder(path, home)),
      ),
    ).toEqual([])
  })

  test("imports Node's modules only outside the core", () => {
    const places = NODE.map((folder) => new RegExp(`^${folder.replace('*', '[^/]+')}`))
    expect(
      violations(({ path }, imported) => imported.startsWith('node:') && !places.some((it) => it.test(path))),
    ).toEqual([])
  })

  test('has no `any`', () => {
    expect(files.flatMap(({ path, anyLines }) => anyLines.map((line) => `${path}:${line}`))).toEqual([])
  })
})

test('every declared dependency has a home', () => {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
  expect(Object.keys({ ...dependencies, ...peerDependencies }).sort()).toEqual(Object.keys(HOMES).sort())
})
