import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from './source-tree.ts'

const run = promisify(execFile)

/** What is published, as `npm pack` makes it of what was built. */
describe('the published package', () => {
  let folder: string
  let tarball: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'published-'))
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      cwd: root,
    })
    tarball = join(folder, JSON.parse(stdout)[0].filename)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('is what publint asks for', async () => {
    const data = await readFile(tarball)
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const { messages } = await publint({ pack: { tarball: new Uint8Array(data).buffer }, level: 'suggestion' })
    expect(messages.map((message) => formatMessage(message, manifest))).toEqual([])
  })

  test('has types that are right for those who import it', async () => {
    const result = await checkPackage(createPackageFromTarballData(new Uint8Array(await readFile(tarball))))
    // It is of ES modules alone: `require` of it works from Node 20.19 on, and sees the same types.
    const expected = ['CJSResolvesToESM', 'NoResolution']
    const problems = result.types ? result.problems.filter(({ kind }) => !expected.includes(kind)) : ['no types']
    expect(problems).toEqual([])
  })

  const reason = process.env.REQUIRE_SERVICES === '1' ? undefined : 'asks a package registry: set REQUIRE_SERVICES=1'
  test.skipIf(reason)(`works in an empty folder${reason ? ` (${reason})` : ''}`, { timeout: 300_000 }, async () => {
    const home = join(folder, 'empty')
    await run('mkdir', [home])
    await writeFile(join(home, 'package.json'), '{"private": true, "type": "module"}')
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', tarball], {
      cwd: home,
    })
    const program = `
        import { createDatastore } from 'ckan-datastore'
        import { serve } from 'ckan-datastore/node'
        import * as bun from 'ckan-datastore/bun'
        const datastore = await createDatastore({ env: { AUTH_TYPE: 'anonymous', DUCKDB_PATH: './data' } })
        const response = await datastore.fetch(new Request('http://localhost/api/3/action/datastore_create', {
          method: 'POST', headers: { 'Content-Type': 'application/json' },
          body: '{"resource_id": "a", "records": [{"n": 1}]}',
        }))
        console.log(response.status, typeof serve, typeof bun.serve)
        await datastore.close()
        process.exit()`
    await writeFile(join(home, 'use.js'), program)
    const { stdout } = await run(process.execPath, ['use.js'], { cwd: home })
    expect(stdout.trim().split('\n').at(-1)).toBe('200 function function')

    const bin = join(home, 'node_modules/.bin/ckan-datastore')
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    expect((await run(bin, ['--version'], { cwd: home })).stdout.trim()).toBe(version)
    expect((await run(bin, ['load', '--help'], { cwd: home })).stdout).toContain('--resource-id')
    expect(await readdir(join(home, 'node_modules'))).not.toContain('typescript')
  })
})
