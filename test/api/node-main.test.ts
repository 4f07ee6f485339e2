import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { program } from '../fixtures/program.ts'

/** How the example call ends, and with it the greeting. */
const GREETING_END = "}]}'\n"

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'datastore-main-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function start(args: string[], env: Record<string, string> = {}): ChildProcess {
  const { PATH } = process.env
  const [node, ...before] = program
  return spawn(node, [...before, ...args], { cwd: folder, env: { PATH, ...env } })
}

async function run(args: string[], env: Record<string, string> = {}) {
  const child = start(args, env)
  const output = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => (output.stdout += chunk))
  child.stderr?.on('data', (chunk) => (output.stderr += chunk))
  const [code] = await once(child, 'close')
  return { code, ...output }
}

describe('the program', () => {
  test('--help', async () => expect((await run(['--help'])).stdout).toMatch(/serve[\s\S]*--env-file PATH/))

  const failures: [string[], Record<string, string>, RegExp][] = [
    [['nonsense'], {}, /^There is no command "nonsense"\. See ckan-datastore --help\.\n$/],
    [[], { PORT: 'x', LOG_LEVEL: 'y' }, /^PORT must be .*\nLOG_LEVEL must be .*\n$/],
    [
      [],
      { SQL_FUNCTIONS_ALLOW_FILE: './nope.txt' },
      /^SQL_FUNCTIONS_ALLOW_FILE=\.\/nope\.txt can't be read \(ENOENT\)\n$/,
    ],
    [
      [],
      { DUCKDB_PATH: '/proc/nowhere' },
      /^The data (?:folder \/proc\/nowhere is not|in \/proc\/nowhere can't).*\.?\n$/,
    ],
  ]
  for (const [args, env, message] of failures) {
    test(`${args} ${JSON.stringify(env)}: one plain sentence for each mistake, and exit code 1`, async () => {
      expect(await run(args, env)).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(message) })
    })
  }

  test('a port in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, stderr } = await run([], { PORT: String(port) })
    other.close()
    expect([code, stderr]).toEqual([
      1,
      `Port ${port} is in use by another program: stop it, or set PORT to another one\n`,
    ])
  })

  test('serves, says how, reads ./.env, and stops on SIGTERM', async () => {
    await writeFile(join(folder, '.env'), 'PORT=1\nAPP_MESSAGE=from the file\nDUCKDB_PATH=./tables\n')
    const child = start(['serve'], { PORT: '0' })
    onTestFinished(() => void child.kill('SIGKILL'))
    let stdout = ''
    await new Promise<void>((resolve) => {
      child.stdout?.on('data', (chunk) => {
        stdout += chunk
        if (stdout.includes(GREETING_END)) resolve()
      })
    })
    expect(stdout).toMatch(
      /listens on http:\/\/127\.0\.0\.1:\d+\n {2}engine {5}duckdb, data in .*tables\n {2}may write {2}everybody/,
    )
    const [, url] = /listens on (\S+)/.exec(stdout) ?? []
    expect(await (await fetch(`${url}/`)).json()).toMatchObject({ result: { message: 'from the file' } })
    const [, action = '', body] = /curl -s (\S+) -H 'Content-Type: application\/json' -d '(.*)'\n/.exec(stdout) ?? []
    await fetch(action, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })
    expect(await (await fetch(`${url}/datastore/dump/hello`)).text()).toBe('_id,name\r\n1,world\n')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  })
})
