import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Running, serve } from '../../adapters/node/serve.ts'
import type { UsageEvent } from '../../src/api/middleware/analytics.ts'
import { readConfig, settingRows } from '../../src/core/config.ts'
import { createLogger } from '../../src/core/log.ts'
import { makeLake } from '../engines/ducklake/open.ts'
import { type CkanServer, startCkan } from '../fixtures/ckan-server.ts'
import { spyingProvider, testDatastore } from '../fixtures/datastore.ts'
import { freePort } from '../fixtures/free-port.ts'
import { program } from '../fixtures/program.ts'
import { reasonWithoutLake } from '../services/extensions.ts'
import { reasonWithoutPostgres, startPostgres } from '../services/postgres.ts'
import { root } from '../suites/source-tree.ts'
import { type Block, blocks } from './pages.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Blocks that are not run, each with the reason. What they name is held by `names.test.ts`. */
const notRun: Record<string, string> = {
  'README.md: npm ci && npm start': 'would install over the folder that the tests run in; .ci/run does it on a clone',
  'README.md: npm test': 'is what runs this',
  'docs/bigquery.md: npm install @google-cloud/bigquery@8 @google-cloud/storage@7': 'needs a project of Google Cloud',
  'docs/bigquery.md: gcloud iam service-accounts create datastore-writer': 'needs a project of Google Cloud',
  'docs/bigquery.md: export BIGQUERY_TEST_PROJECT=my-tests-1234 BIGQUERY_TEST_LOCATION=EU':
    'needs a project of Google Cloud',
  'docs/operations.md: docker build -t ckan-datastore .':
    'needs Docker; test/containers runs the steps of the Dockerfile',
  'docs/operations.md: docker compose --profile single up': 'needs Docker; test/containers reads compose.yaml',
  'docs/performance.md: npm run bench                 # a few minutes': 'takes minutes, and wants a machine for itself',
}

const README_TOUR = 'test/docs/readme.test.ts'
const TOKENS = 'test/auth/docs.test.ts'

/** Blocks that another test runs: it reads the same page. */
const runElsewhere: Record<string, string> = {
  ...Object.fromEntries(tour().map(({ name }) => [name, README_TOUR])),
  'docs/auth.md: export JWT_SECRET="$(openssl rand -base64 48)"': TOKENS,
  'docs/auth.md: token() {': TOKENS,
  'docs/auth.md: token \'{"sub": "nightly-load", "aud": "datastore"}\'': TOKENS,
  'docs/auth.md: openssl genpkey -algorithm ed25519 -out private.pem': TOKENS,
  ...Object.fromEntries(
    ['provider', 'engine'].flatMap((what) =>
      blocksOf(`docs/writing-${what === 'engine' ? 'an' : 'a'}-${what}.md`).map(({ name }) => [
        name,
        `test/docs/writing-${what === 'engine' ? 'an' : 'a'}-${what}.test.ts`,
      ]),
    ),
  ),
}

function blocksOf(page: string): Block[] {
  return blocks.filter((block) => block.page === page)
}

/** The README's commands between "Tour" and "Embed". */
function tour(): Block[] {
  return blocksOf('README.md').filter(({ text }) => text.startsWith('curl '))
}

const execute = promisify(execFile)

let folder: string
let server: Running
let other: Running
let ckan: CkanServer

const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
const open = (name: string) =>
  serve({ env: { DUCKDB_PATH: join(folder, name), AUTH_TYPE: 'anonymous', PORT: '0' }, logger })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blocks-'))
  ;[server, other, ckan] = [await open('data'), await open('other'), await startCkan()]
  await mkdir(join(folder, 'bin'))
  await tool('npx', `shift; exec ${program.map((word) => `"${word}"`).join(' ')} "$@"`)
  const { stdout: curl } = await execute('sh', ['-c', 'command -v curl'])
  await tool('curl', `exec ${curl.trim()} -sS --fail-with-body "$@"`)
  await writeFile(join(folder, 'trees.csv'), 'species,height\noak,12.5\nelm,3\n')
  await call(server, 'create', { resource_id: 'parks', records: [{ name: 'north' }, { name: 'south' }] })
  await writeFile(join(folder, 'data.csv'), 'n\n1\n2\n3\n')
}, 60_000)
afterAll(async () => {
  for (const running of [server, other]) await running?.close(1000)
  await ckan?.close()
  await rm(folder, { recursive: true, force: true })
})

/** A program of the reader's machine: the package as it stands here, not as it was published. */
async function tool(name: string, body: string): Promise<void> {
  await writeFile(join(folder, 'bin', name), `#!/bin/sh\n${body}\n`)
  await chmod(join(folder, 'bin', name), 0o755)
}

const environment = (env: Record<string, string>) => ({ PATH: `${join(folder, 'bin')}:${process.env.PATH}`, ...env })

/** Types a block into a shell, in the folder where all the blocks before it were typed. */
async function type({ text }: Block, replace: Record<string, string>, env: Record<string, string> = {}) {
  const typed = Object.entries(replace).reduce((given, [from, to]) => given.replaceAll(from, to), text)
  const { stdout } = await execute('sh', ['-euc', typed], { cwd: folder, env: environment(env) })
  return stdout
}

async function call(running: Running, action: string, body: object) {
  const response = await fetch(`${running.url}/api/3/action/datastore_${action}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Connection: 'close' },
    body: JSON.stringify(body),
  })
  return ((await response.json()) as { result: { meta: { count: number }; revisions?: unknown } }).result
}
const countOf = async (running: Running, id: string) => (await call(running, 'info', { id })).meta.count

const LOCAL = 'http://127.0.0.1:8000'
const CKAN = 'https://ckan.example.org'

/** Lines of settings: each name is one, and takes the value, where there is one. */
async function checkSettings({ text }: Block): Promise<void> {
  const lines = [...text.matchAll(/^([A-Z0-9_]+)=(\S*)/gm)]
  expect(lines.length).toBeGreaterThan(0)
  for (const [, name = '', value = ''] of lines) {
    expect(settingRows.map(({ schema }) => schema.env)).toContain(name)
    if (!value.includes('…')) readConfig({ AUTH_TYPE: 'anonymous', [name]: value })
  }
}

/** Blocks that are run here, page by page in their order. */
const runHere: Record<string, (block: Block) => Promise<void>> = {
  "README.md: import { createDatastore } from 'ckan-datastore'": async ({ text }) => {
    const made =
      "await datastore.fetch(new Request('http://localhost/api/3/action/datastore_create', { method: 'POST', " +
      `headers: { 'Content-Type': 'application/json' }, body: '{"resource_id": "seattle-weather", "records": [{"a": 1}]}' }))`
    const code = text
      .replace("'ckan-datastore'", JSON.stringify(join(root, 'src/index.ts')))
      .replace('const response', `${made}\nconst response`)
    const path = join(folder, 'embed.mts')
    await writeFile(path, `${code}\nprocess.stderr.write(String(response.status))\n`)
    await mkdir(join(folder, 'embed'))
    const args = ['--import', import.meta.resolve('tsx'), path]
    const { stderr } = await execute(process.execPath, args, { cwd: join(folder, 'embed') })
    expect(stderr).toMatch(/200$/)
  },

  'docs/auth.md: CKAN_URL=https://ckan.example.org': checkSettings,
  'docs/auth.md: curl -s "$CKAN_URL/api/3/action/datastore_authorize" \\': async (block) => {
    ckan.addResource('trees')
    const answer = await type(block, { '<a resource>': 'trees' }, { CKAN_URL: ckan.url, CKAN_TOKEN: '' })
    expect(JSON.parse(answer)).toMatchObject({ success: true, result: { package: {}, resource: {} } })
  },
  'docs/auth.md: AUTH_TYPE=jwt': checkSettings,

  'docs/ducklake.md: DATASTORE_ENGINE=ducklake': checkSettings,
  "docs/ducklake.md: CREATE ROLE lake LOGIN PASSWORD '…';": async ({ text }) => {
    const postgres = await startPostgres()
    try {
      for (const statement of text.split(';').filter((part) => part.trim())) postgres.query(statement)
      expect(
        postgres.query("SELECT rolname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE datname = 'lake'"),
      ).toEqual([['lake']])
    } finally {
      await postgres.close()
    }
  },

  "docs/ducklake.md: curl 'https://data.example.org/api/3/action/datastore_search?resource_id=trees&as_of=2026-01-31T12:00:00Z'":
    async (block) => {
      const lake = await makeLake((place) => `sqlite:${place}/catalog.sqlite`)
      const running = await serve({ env: { ...lake.env, PORT: '0' }, logger })
      try {
        await call(running, 'create', { resource_id: 'trees', records: [{ species: 'oak' }] })
        await call(running, 'upsert', { resource_id: 'trees', method: 'insert', records: [{ species: 'elm' }] })
        const { revisions } = await call(running, 'info', { id: 'trees' })
        const [, first] = revisions as { revision: number; committed_at: string }[]
        const [url, time, revision] = [running.url, first?.committed_at ?? '', String(first?.revision)]
        const replace = { 'https://data.example.org': url, '2026-01-31T12:00:00Z': time, 1767225600001: revision }
        const said = await type(block, replace)
        expect(said).toContain('oak')
        expect(said).not.toContain('elm')
      } finally {
        await running.close(1000)
        await lake.close()
      }
    },
  "docs/load.md: curl --data-binary @trees.csv 'http://127.0.0.1:8000/datastore/load/trees'": async (block) => {
    const answers = await type(block, { [LOCAL]: server.url })
    expect(answers).toContain('"success": true')
    expect(await countOf(server, 'trees')).toBe(4)
  },

  [`docs/from-ckan.md: CKAN_URL=${CKAN} HOST=0.0.0.0 SITE_URL=${CKAN} TRUST_PROXY=1 npx ckan-datastore serve`]: async ({
    text,
  }) => {
    const env = environment({ PORT: String(await freePort()), DUCKDB_PATH: join(folder, 'beside') })
    const child = spawn('sh', ['-euc', text.replace(CKAN, ckan.url)], { cwd: folder, env, detached: true })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (output += piece))
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await expect.poll(() => output, { timeout: 60_000 }).toContain('listens on')
    process.kill(-(child.pid as number), 'SIGTERM')
    await ended
    expect(output).toMatch(/may write +whom ckan permits/)
  },
  [`docs/from-ckan.md: npx ckan-datastore import-ckan --url ${CKAN} --token "$CKAN_TOKEN" --to ${LOCAL} --to-token "$CKAN_TOKEN"`]:
    async (block) => {
      await type(block, { [CKAN]: server.url, [LOCAL]: other.url }, { CKAN_TOKEN: 'a-token' })
      expect(await countOf(other, 'parks')).toBe(2)
    },
  [`docs/from-ckan.md: npx ckan-datastore load data.csv --resource-id "$RESOURCE_ID" --method replace --url ${CKAN} --token "$CKAN_TOKEN"`]:
    async (block) => {
      await type(block, { [CKAN]: other.url }, { CKAN_TOKEN: 'a-token', RESOURCE_ID: 'numbers' })
      expect(await countOf(other, 'numbers')).toBe(3)
    },

  'docs/operations.md: npx ckan-datastore backup all.backup': async (block) => {
    await call(server, 'create', { resource_id: 'gone', records: [{ a: 1 }] })
    await type(block, {}, { DUCKDB_PATH: join(folder, 'data') })
    expect((await readFile(join(folder, 'all.backup'))).length).toBeGreaterThan(10_000)
  },
  'docs/operations.md: DUCKDB_PATH=./restored npx ckan-datastore restore all.backup': async (block) => {
    expect(await type(block, {})).toBe('3 tables restored\n')
  },
  'docs/operations.md: npx ckan-datastore purge --ckan --dry-run': async (block) => {
    ckan.addResource('trees')
    const said = await type(block, {}, { CKAN_URL: ckan.url, DUCKDB_PATH: './restored' })
    expect(said).toContain('gone')
    expect(said).not.toContain('trees')
  },
  'docs/operations.md: {"event":"datastore_usage","time":"2026-01-31T12:00:00.000Z","request_id":"…","action":"datastore_search","status":200,':
    async ({ text }) => {
      const events: UsageEvent[] = []
      const env = { ANALYTICS_ENABLED: 'true', TRUST_PROXY: '1' }
      const resource = { id: 'trees', package_id: 'd1' }
      const decision = { identity: { id: 'u1', name: 'anna' }, resource, package: { id: 'd1', owner_org: 'o1' } }
      const { provider } = spyingProvider(() => decision)
      const { ask } = await testDatastore({ env, auth: provider, onUsage: (event) => events.push(event) })
      const headers = { 'User-Agent': 'test', 'X-Forwarded-For': '192.0.2.1' }
      const line = 'GET /api/3/action/datastore_search?resource_id=trees'
      await (await ask(line, { headers, caller: { address: '192.0.2.77' } })).text()
      await expect.poll(() => events).toHaveLength(1)
      expect(shapeOf(JSON.parse(text))).toEqual(shapeOf(JSON.parse(JSON.stringify(events[0]))))
    },
}

/** Names and kinds of values, in their order. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value
  return Array.isArray(value) ? value.map(shapeOf) : Object.entries(value).map(([name, item]) => [name, shapeOf(item)])
}

test('every block of every page is run, or listed with the reason why not', () => {
  const listed = [runHere, runElsewhere, notRun].flatMap((table) => Object.keys(table))
  expect(listed.sort()).toEqual(blocks.map(({ name }) => name).sort())
})

test.each([...new Set(Object.entries(runElsewhere).map(([name, path]) => `${path} reads ${name.split(':')[0]}`))])(
  '%s',
  (line) => {
    const [path = '', page = ''] = line.split(' reads ')
    expect(existsSync(join(root, path))).toBe(true)
    expect(readFileSync(join(root, path), 'utf8')).toContain(page)
  },
)

describe('typed as it stands', () => {
  for (const block of blocks.filter(({ name }) => Object.hasOwn(runHere, name))) {
    const reason =
      block.language === 'sql'
        ? reasonWithoutPostgres()
        : block.text.includes('as_of')
          ? reasonWithoutLake()
          : undefined
    test.skipIf(reason)(block.name, () => runHere[block.name]?.(block))
  }
})
