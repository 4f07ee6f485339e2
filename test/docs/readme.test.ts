import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from '../../adapters/node/serve.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const readme = await readFile(join(root, 'README.md'), 'utf8')

/** The tour's commands, one a line, as a reader would type them. */
const tour = readme.slice(readme.indexOf('## Tour'), readme.indexOf('## Embed'))
const commands = [...tour.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.trim().split('\n'))

describe('the README', () => {
  let folder: string
  let server: Awaited<ReturnType<typeof serve>>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'readme-'))
    server = await serve({ env: { DUCKDB_PATH: join(folder, 'data'), PORT: '0', LOG_LEVEL: 'ERROR' } })
  })

  afterAll(async () => {
    await server.close(1000)
    await rm(folder, { recursive: true, force: true })
  })

  const type = async (command: string) => {
    const url = server.url.replace(/\/$/, '')
    const typed = command.replaceAll('http://127.0.0.1:8000', url).replace('@samples/', `@${root}/samples/`)
    const { stdout } = await run('bash', ['-c', `${typed.replace(/^curl/, 'curl -sS --fail-with-body')}`], {
      cwd: folder,
    })
    return stdout
  }

  it('has a tour', () => {
    expect(commands.length).toBeGreaterThanOrEqual(8)
  })

  it.each(commands.map((command, index) => [index + 1, command] as const))(
    'command %i works as it is written',
    async (_, command) => {
      const answer = await type(command)
      if (command.includes(' -o ')) return
      expect(JSON.parse(answer)).toMatchObject({ success: true })
    },
  )

  it('leaves the tables that it says', async () => {
    const { result } = JSON.parse(
      await type('curl -G http://127.0.0.1:8000/api/3/action/datastore_info -d id=seattle-weather'),
    )
    expect(result.meta.count).toBe(1462)
    expect((await readFile(join(folder, 'weather.csv'), 'utf8')).split('\n')).toHaveLength(1464)
    expect((await readFile(join(folder, 'weather.parquet'))).subarray(0, 4).toString()).toBe('PAR1')
  })

  it('fits on two screens', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(120)
  })
})
