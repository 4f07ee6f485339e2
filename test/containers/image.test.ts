import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../fixtures/free-port.ts'
import { isBuildStale } from '../runtimes/hosts.ts'
import { root } from '../suites/source-tree.ts'

const run = promisify(execFile)
/** Nobody: a user without rights. */
const USER = 65534
const reason =
  process.getuid?.() !== 0
    ? 'only root can become another user'
    : process.env.REQUIRE_SERVICES !== '1' && isBuildStale()
      ? 'dist/ is older than the source: npm run build'
      : undefined

/** What the image has, laid out as the Dockerfile lays it out, in a folder that nobody may write to. */
describe.skipIf(reason)(`what the image runs${reason ? ` (${reason})` : ''}`, () => {
  let folder: string
  let app: string
  let data: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'image-'))
    await chmod(folder, 0o755)
    app = join(folder, 'app')
    data = join(folder, 'data')
    await mkdir(app)
    const final = (await readFile(join(root, 'Dockerfile'), 'utf8')).split(/^FROM /m).at(-1) as string
    for (const [, flag, names = '', target = ''] of final.matchAll(/^COPY (--from=\S+ )?(.*) (\S+)$/gm)) {
      for (const name of names.split(' ')) {
        const source = join(root, name.replace(/^\/(app|build)\//, ''))
        const place = join(app, target.endsWith('/') ? join(target, name.split('/').at(-1) as string) : target)
        if (target === './node_modules') await symlink(source, place)
        else if (flag || target.endsWith('/')) {
          await mkdir(join(place, '..'), { recursive: true })
          await cp(source, place, { recursive: true })
        }
      }
    }
    await mkdir(join(folder, 'bin'))
    await symlink(join(app, 'adapters/node/start.cjs'), join(folder, 'bin/ckan-datastore'))
    await mkdir(data, { mode: 0o700 })
    await run('chown', ['-R', `${USER}:${USER}`, data])
    for (const name of ['adapters/node/start.cjs', 'docker/entrypoint.sh']) await chmod(join(app, name), 0o755)
    await run('chmod', ['-R', 'a-w,a+rX', app])
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const start = (args: string[], env: Record<string, string>) =>
    spawn('setpriv', [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--no-new-privs', ...args], {
      cwd: app,
      env: { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, HOST: '0.0.0.0', DUCKDB_PATH: data, ...env },
    })

  test('without a word on who may write it ends with 1 and two lines to copy', async () => {
    const child = start([join(app, 'docker/entrypoint.sh'), 'serve'], {})
    let told = ''
    child.stderr.on('data', (text) => (told += text))
    const [code] = await once(child, 'close')
    expect(code).toBe(1)
    const lines = told.split('\n').filter((line) => line.includes('docker run'))
    expect(lines.map((line) => / -e (\S+) ckan-datastore$/.exec(line)?.[1])).toEqual([
      'AUTH_TYPE=anonymous',
      'CKAN_URL=https://ckan.example.org',
    ])
  })

  const inFile: [string, string, string[]][] = [
    ['.env of its folder', join('app', '.env'), []],
    ['a file that it is told of', join('data', 'settings.env'), ['--env-file', 'settings.env']],
  ]
  for (const [what, place, options] of inFile)
    test(`who may write is read from ${what}`, async () => {
      await writeFile(join(folder, place), 'AUTH_TYPE=anonymous\nPORT=0\n')
      const args = options.map((option) => (option.startsWith('--') ? option : join(data, option)))
      const child = start([join(app, 'docker/entrypoint.sh'), 'serve', ...args], { LOG_LEVEL: 'ERROR' })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
      const ended = once(child, 'close')
      while (!output.includes('listens on') && child.exitCode === null)
        await new Promise((next) => setTimeout(next, 50))
      child.kill('SIGTERM')
      expect([output.includes('listens on'), (await ended)[0]], output).toEqual([true, 0])
      await rm(join(folder, place))
    })

  test('it serves as a user without rights from a tree that is read-only, is healthy, and stops when it is told', async () => {
    // An address of this machine that is not the usual one.
    const env = { HOST: '127.0.0.2', PORT: String(await freePort()), AUTH_TYPE: 'anonymous', LOG_LEVEL: 'ERROR' }
    const child = start([join(app, 'docker/entrypoint.sh'), 'serve'], env)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
    const ended = once(child, 'close')
    while (!output.includes('listens on') && child.exitCode === null) await new Promise((next) => setTimeout(next, 50))
    expect(output).toContain('listens on')
    const created = await fetch(`http://127.0.0.2:${env.PORT}/api/3/action/datastore_create`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"resource_id": "a", "records": [{"n": 1}]}',
    })
    expect(created.status).toBe(200)
    const healthy = () => run(process.execPath, [join(app, 'docker/healthcheck.cjs')], { env })
    await healthy()
    child.kill('SIGTERM')
    expect((await ended)[0]).toBe(0)
    await expect(healthy()).rejects.toMatchObject({ code: 1 })
  })
})
