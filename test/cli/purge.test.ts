import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Running, serve } from '../../adapters/node/serve.ts'
import { createLogger } from '../../src/core/log.ts'
import { type CkanServer, startCkan } from '../fixtures/ckan-server.ts'
import { runCommand } from './run-command.ts'

let ckan: CkanServer
let folder: string
let running: Running
beforeAll(async () => {
  ckan = await startCkan()
  ckan.addUser('admin', { name: 'ada', editor: true, sysadmin: true })
  ckan.addUser('editor', { name: 'bob', editor: true })
})
afterAll(() => ckan.close())

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purge-'))
  const env = { DUCKDB_PATH: join(folder, 'data'), AUTH_TYPE: 'anonymous', CKAN_SYNC: 'false', PORT: '0' }
  running = await serve({ env, logger: createLogger({ logLevel: 'CRITICAL' }, () => {}) })
  for (const id of ['kept', 'private', 'gone']) {
    await fetch(`${running.url}/api/3/action/datastore_create`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ resource_id: id, records: [{ a: 1 }] }),
    })
  }
  ckan.resources.clear()
  ckan.addResource('kept')
  ckan.addResource('private', { private: true })
})
afterEach(async () => {
  ckan.override = undefined
  await running.close(0)
  await rm(folder, { recursive: true, force: true })
})

const purge = (...args: string[]) =>
  runCommand(['purge', ...args], { cwd: folder, env: { DUCKDB_PATH: join(folder, 'data'), CKAN_URL: ckan.url } })
const asAdmin = ['--ckan', '--token', 'admin']
const asNobody = ['--ckan', '--anonymous']
const ids = async () => (await running.service.engine.list({ limit: 10 })).map(({ id }) => id)

describe('purge --ckan', () => {
  test('the server asks the CKAN of its own settings', async () => {
    expect(await purge(...asAdmin)).toMatchObject({
      code: 1,
      stderr: 'CKAN_URL is not set: which CKAN is to be asked? While a server has the data open, its settings count.\n',
    })
  })

  test('says what it would remove; then removes it, and keeps what CKAN may not show', async () => {
    await running.close(0)
    const dry = await purge('--ckan', '--dry-run')
    expect(dry.stdout).toBe('would remove gone\n1 of 3 tables (nothing was removed)\n')
    expect(dry.stderr).toMatch(/^Without a sysadmin's token .*\nkept private: Access denied/)
    expect(await purge(...asNobody)).toMatchObject({ code: 0, stdout: 'removed gone\n1 of 3 tables\n' })
    const env = { DUCKDB_PATH: join(folder, 'data'), AUTH_TYPE: 'anonymous', PORT: '0' }
    running = await serve({ env, logger: createLogger({ logLevel: 'CRITICAL' }, () => {}) })
    expect(await ids()).toEqual(['kept', 'private'])
  })

  const stays: [string, () => void][] = [
    [
      'CKAN answers with an error',
      () => {
        ckan.override = ({ body }) => (body.id === 'gone' ? { status: 500, body: 'broken' } : undefined)
      },
    ],
    [
      'CKAN says no once, and has it the second time',
      () => {
        let asked = 0
        ckan.override = ({ body }) => {
          if (body.id !== 'gone' || asked++ === 0) return undefined
          return { status: 200, body: { success: true, result: { id: 'gone' } } }
        }
      },
    ],
    [
      'the second answer is an error',
      () => {
        let asked = 0
        ckan.override = ({ body }) => (body.id !== 'gone' || asked++ === 0 ? undefined : { status: 503, body: 'later' })
      },
    ],
    [
      'a gateway says 404',
      () => {
        ckan.override = ({ body }) => (body.id === 'gone' ? { status: 404, body: '<html>not found' } : undefined)
      },
    ],
  ]
  for (const [what, arrange] of stays) {
    test(`a table stays when ${what}`, async () => {
      await running.close(0)
      arrange()
      const { code, stdout, stderr } = await purge(...asAdmin)
      expect(stdout).toBe('0 of 3 tables\n')
      // A timetable that runs it must hear of answers that did not come.
      const isAnswered = what.startsWith('CKAN says no once')
      expect([code, /1 of 3 tables stay: CKAN did not say/.test(stderr)]).toEqual(isAnswered ? [0, false] : [1, true])
    })
  }

  test('some answers that did not come fail the command with --json, too, and the others are heeded', async () => {
    await running.close(0)
    ckan.override = ({ body }) => (body.id === 'kept' ? { status: 502, body: '<html>' } : undefined)
    const { code, stdout } = await purge(...asAdmin, '--json')
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { tables: 3, purged: ['gone'], unknown: [{ table: 'kept' }] }])
  })

  test('a CKAN that has none of those that it answers for is the wrong one, too', async () => {
    await running.close(0)
    ckan.resources.clear()
    ckan.override = ({ body }) => (body.id === 'kept' ? { status: 502, body: '<html>' } : undefined)
    expect(await purge(...asAdmin)).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing was removed') })
  })

  test('a CKAN that does not answer is not asked for each table', async () => {
    for (let table = 0; table < 20; table += 1) {
      await fetch(`${running.url}/api/3/action/datastore_create`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ resource_id: `t${table}`, records: [{ a: 1 }] }),
      })
    }
    await running.close(0)
    ckan.calls.length = 0
    ckan.override = ({ action }) => (action === 'resource_show' ? { status: 503, body: 'later' } : undefined)
    expect(await purge(...asAdmin)).toMatchObject({ code: 1, stderr: expect.stringContaining('status 503') })
    expect(ckan.count('resource_show')).toBe(10)
  })

  /** As an extension may do that hides what is private. */
  const hidePrivate = () => {
    ckan.override = ({ body, token }) => {
      if (body.id !== 'private' || token === 'admin') return undefined
      return { status: 404, body: { success: false, error: { __type: 'Not Found Error', message: 'Not found' } } }
    }
  }

  test('a token sees what CKAN hides, and CKAN is asked with it', async () => {
    await running.close(0)
    hidePrivate()
    expect(await purge(...asAdmin)).toMatchObject({ code: 0, stdout: 'removed gone\n1 of 3 tables\n', stderr: '' })
  })

  test('a server that runs asks with the token, too', async () => {
    await running.close(0)
    const env = { DUCKDB_PATH: join(folder, 'data'), AUTH_TYPE: 'anonymous', CKAN_URL: ckan.url, CKAN_SYNC: 'false' }
    running = await serve({ env: { ...env, PORT: '0' }, logger: createLogger({ logLevel: 'CRITICAL' }, () => {}) })
    hidePrivate()
    expect(await purge('--ckan', '--token', 'editor')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('sysadmin'),
    })
    expect(await purge(...asAdmin)).toMatchObject({ code: 0, stdout: 'removed gone\n1 of 3 tables\n' })
    expect(await ids()).toEqual(['kept', 'private'])
  })

  const refused: [string, string[], number][] = [
    ['without a token', ['--ckan'], 2],
    ["with a token that is no sysadmin's", ['--ckan', '--token', 'editor'], 1],
    ['with a token that has expired', ['--ckan', '--token', 'old'], 1],
  ]
  for (const [what, args, code] of refused) {
    test(`nothing is removed ${what}`, async () => {
      await running.close(0)
      hidePrivate()
      expect(await purge(...args)).toMatchObject({
        code,
        stdout: '',
        stderr: expect.stringMatching(/sysadmin.*Nothing was removed/),
      })
      expect((await purge(...asAdmin, '--dry-run')).stdout).toMatch(/1 of 3 tables/)
    })
  }

  test('when CKAN answers no question at all, the command fails', async () => {
    await running.close(0)
    ckan.override = ({ action }) => (action === 'resource_show' ? { status: 500, body: 'broken' } : undefined)
    expect(await purge(...asAdmin)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/none of the 3 tables.*status 500/),
    })
  })

  test('a CKAN that knows none of the tables is the wrong one', async () => {
    await running.close(0)
    ckan.resources.clear()
    const refused = await purge(...asAdmin)
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/none of the 3 tables.*Nothing was removed/),
    })
    expect((await purge(...asAdmin, '--force')).stdout).toMatch(/3 of 3 tables\n$/)
  })

  test('only what CKAN says can be purged', async () => {
    expect(await purge()).toMatchObject({ code: 2, stderr: expect.stringContaining('--ckan is missing') })
  })
})
