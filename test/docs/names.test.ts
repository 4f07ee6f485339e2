import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { isCommand, runCommand } from '../../src/cli/run.ts'
import { settingRows } from '../../src/core/config.ts'
import { root } from '../suites/source-tree.ts'
import { codeOf, pages } from './pages.ts'

const settings = new Set(settingRows.map(({ schema }) => schema.env))

/** Names in capitals that are no settings of ours, and whose they are. */
const FOREIGN: Record<string, string> = {
  BIGQUERY_TEST_CREDENTIALS: 'of the tests, to run them against Google',
  BIGQUERY_TEST_CREDENTIALS_RO: 'of the tests, to run them against Google',
  BIGQUERY_TEST_DATASET: 'of the tests, to run them against Google',
  BIGQUERY_TEST_EXPORT_BUCKET: 'of the tests, to run them against Google',
  BIGQUERY_TEST_LOCATION: 'of the tests, to run them against Google',
  BIGQUERY_TEST_PROJECT: 'of the tests, to run them against Google',
  CKAN_TOKEN: "the reader's own",
  RESOURCE_ID: "the reader's own",
  TABLES_URL: 'read by examples/worker/worker.js',
  BENCH_CKAN_TOKEN: 'read by test/bench/harness/ckan.ts',
  BENCH_CKAN_URL: 'read by test/bench/harness/ckan.ts',
  RECORD_EXAMPLES: 'read by test/docs/examples.test.ts',
  OTEL_EXPORTER_OTLP_HEADERS: "OpenTelemetry's",
  DATA_PATH: 'a word of DuckLake',
  SNAPSHOT_ID: 'a word of DuckLake',
  EXTERNAL_QUERY: 'GoogleSQL',
  GENERATE_ARRAY: 'GoogleSQL',
  INFORMATION_SCHEMA: 'GoogleSQL',
  JSON_QUERY: 'GoogleSQL',
  JSON_VALUE: 'GoogleSQL',
  SESSION_USER: 'GoogleSQL',
  SYSTEM_TIME: 'GoogleSQL',
}

/** Files that a reader is told to make. */
const TO_BE_MADE = ['src/auth/list']

const scripts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts as Record<string, string>

/** The help of a command, which names its options. */
async function helpOf(name: string): Promise<string> {
  let help = ''
  const written = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    help += text
    return true
  })
  await runCommand(name, ['--help']).finally(() => written.mockRestore())
  return help
}

/** As GitHub makes it of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-')
const anchors = (text: string) => [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))

test('names in capitals that are no settings are known, and used', () => {
  const found = pages.flatMap((page) => codeOf(page).flatMap(capitals)).filter((name) => !settings.has(name))
  expect([...new Set(found)].sort()).toEqual(Object.keys(FOREIGN).sort())
})

/** Words with an underscore. `JWT_` and `RATE_LIMIT_…` stand for settings that begin so. */
function capitals(code: string): string[] {
  const words = [...code.matchAll(/(?<![\w@-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w…])/g)]
  return words.map(([word]) => word)
}

describe.each(pages.map((page) => [page.path, page] as const))('%s', (path, page) => {
  const code = codeOf(page)

  test('leads somewhere by each link', () => {
    const links = [...page.prose.matchAll(/\]\((?!https?:)([^)\s#]*)(?:#([^)\s]*))?\)/g)]
    const broken = links.filter(([, target = '', anchor]) => {
      const file = target === '' ? join(root, path) : join(root, dirname(path), target)
      if (!existsSync(file)) return true
      return anchor !== undefined && !anchors(readFileSync(file, 'utf8')).includes(anchor)
    })
    expect(broken.map(([link]) => link)).toEqual([])
  })

  test('names files that are there', () => {
    const named = code.flatMap((text) => [
      ...text.matchAll(/(?<![\w./@-])(?:src|test|docs|docker|examples|adapters|bench|samples|postman)\/[\w./-]*\w/g),
    ])
    const gone = named
      .map(([file]) => file)
      .filter((file) => !existsSync(join(root, file)) && !TO_BE_MADE.includes(file))
    expect(gone).toEqual([])
  })

  test('calls scripts that are there', () => {
    const called = code.flatMap((text) => [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)])
    expect(called.map(([, run, own]) => run ?? own ?? '').filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  })

  test('calls commands that are there, with options that they take', async () => {
    const calls = code.flatMap((text) => [
      ...text
        .replaceAll('\\\n', ' ')
        .matchAll(/(?:^|npx |bun |--bun |datastore )ckan-datastore ([a-z][\w-]*)([^\n|;&]*)/gm),
    ])
    for (const [call, name = '', rest = ''] of calls) {
      if (name === 'serve') continue
      expect(isCommand(name), call).toBe(true)
      const options = [...rest.matchAll(/(?<=[ [])--([a-z][\w-]*)/g)].map(([option]) => option)
      const help = await helpOf(name)
      for (const option of options) if (option !== '--help') expect(help, call).toContain(option)
    }
  })
})
