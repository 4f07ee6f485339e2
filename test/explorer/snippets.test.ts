import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serve } from '../../adapters/node/serve.ts'
import { type Call, SNIPPETS } from '../../src/explorer/tables/snippets.ts'
import { pythonWith, reasonWithoutPython } from '../fixtures/python-env.ts'
import { openFolder } from './folder.ts'

const run = promisify(execFile)
const NAME = `it's "odd" $HOME \\ <b>`
const SECRET = 's'.repeat(32)

/** Why R's snippet can't be run; undefined when it can. */
function reasonWithoutR(): string | undefined {
  try {
    execFileSync('Rscript', ['-e', 'library(httr2); library(jsonlite)'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'R with httr2 and jsonlite is not installed'
  }
}

const runners: Record<string, { reason: string | undefined; run(code: string, env: object): Promise<string> }> = {
  curl: {
    reason: undefined,
    run: async (code, env) =>
      (await run('bash', ['-c', code.replace(/^curl/, 'curl -sS')], { env: { ...process.env, ...env } })).stdout,
  },
  Python: {
    reason: reasonWithoutPython(),
    run: async (code, env) => {
      const python = await pythonWith('ckanapi==4.11')
      return (await run(python, ['-c', code], { env: { ...process.env, ...env } })).stdout
    },
  },
  R: {
    reason: reasonWithoutR(),
    run: async (code, env) => (await run('Rscript', ['-e', code], { env: { ...process.env, ...env } })).stdout,
  },
  JavaScript: {
    reason: undefined,
    run: async (code, env) =>
      (await run(process.execPath, ['--input-type=module', '-e', code], { env: { ...process.env, ...env } })).stdout,
  },
}

describe('the calls that the explorer writes are what they say', () => {
  const folder = openFolder('snippets-')
  let server: Awaited<ReturnType<typeof serve>>
  let token: string

  beforeAll(async () => {
    const { SignJWT } = await import('jose')
    token = await new SignJWT({ sub: 'a' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(SECRET))
    server = await serve({
      env: { PORT: '0', DUCKDB_PATH: folder.path, AUTH_TYPE: 'jwt', JWT_SECRET: SECRET, LOG_LEVEL: 'CRITICAL' },
    })
    const created = await fetch(`${server.url}/api/3/action/datastore_create`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: token },
      body: JSON.stringify({
        resource_id: 'trees',
        records: [
          { name: NAME, height: 12.5 },
          { name: 'elm', height: 3 },
        ],
      }),
    })
    expect(created.status).toBe(200)
  })
  afterAll(async () => {
    await server?.close(0)
    folder.remove()
  })

  const calls: [action: string, params: object][] = [
    ['datastore_search', { resource_id: 'trees', filters: { name: NAME, height: { gte: '12' } }, limit: 5 }],
    ['datastore_search_sql', { sql: `SELECT name FROM trees WHERE name = '${NAME.replaceAll("'", "''")}'` }],
  ]
  for (const language of Object.keys(SNIPPETS)) {
    const runner = runners[language]
    for (const [action, params] of calls) {
      test.skipIf(runner?.reason)(`${language}: ${action}${runner?.reason ? `: ${runner.reason}` : ''}`, async () => {
        const call: Call = { site: server.url, action, params, tokenHeader: 'Authorization' }
        const printed = await runner?.run(SNIPPETS[language]?.(call) ?? '', { DATASTORE_TOKEN: token })
        expect(printed).toContain('odd')
        expect(printed).not.toContain('elm')
      })
    }
  }

  test('have no token in them, and none where none is needed', () => {
    for (const write of Object.values(SNIPPETS)) {
      const call = { site: 'https://data.example.org', action: 'datastore_search', params: { resource_id: 'a' } }
      expect(write(call)).not.toContain('TOKEN')
      expect(write({ ...call, tokenHeader: 'X-Token' })).toContain('DATASTORE_TOKEN')
    }
  })
})
