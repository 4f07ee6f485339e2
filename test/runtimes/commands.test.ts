import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../suites/source-tree.ts'
import { type Host, hosts, type RunningHost, reasonWithout, start } from './hosts.ts'

const run = promisify(execFile)
const { Node, Bun } = hosts as Record<'Node' | 'Bun', Host>
const reason = reasonWithout(Bun)

/** The commands of a machine's owner reach a server through its socket, whatever runs either of them. */
describe.skipIf(reason)(`a server on Bun${reason ? ` (${reason})` : ''}`, () => {
  let folder: string
  let running: RunningHost
  let env: Record<string, string>
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'commands-'))
    env = { AUTH_TYPE: 'anonymous', DUCKDB_PATH: join(folder, 'data') }
    running = await start(Bun, env)
    const made = await fetch(`${running.base}/api/3/action/datastore_create`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"resource_id": "trees", "records": [{"species": "oak"}]}',
    })
    expect(made.status).toBe(200)
  })
  afterAll(async () => {
    await running?.close()
    await rm(folder, { recursive: true, force: true })
  })

  for (const [name, host] of Object.entries({ Node, Bun }))
    test(`is backed up and checked from ${name}, and the backup restored`, async () => {
      const [program = '', ...args] = host.command.filter((word) => word !== 'serve')
      const command = async (words: string[], more: Record<string, string> = {}) => {
        const { PATH, HOME } = process.env
        return (await run(program, [...args, ...words], { cwd: root, env: { PATH, HOME, ...env, ...more } })).stdout
      }
      const file = join(folder, `${name}.backup`)
      expect(await command(['backup', file])).toMatch(/^[\d.]+ MB into /)
      expect((await stat(file)).mode & 0o077).toBe(0)
      expect(await command(['check', '--json'])).toBe('{"tables":1,"problems":[]}\n')
      const restored = { DUCKDB_PATH: join(folder, `restored-${name}`) }
      expect(await command(['restore', file], restored)).toBe('1 tables restored\n')
      expect(await command(['check'], restored)).toBe('1 tables are in order\n')
    })
})
