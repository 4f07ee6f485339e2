import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Running, serve } from '../../adapters/node/serve.ts'
import { createLogger } from '../../src/core/log.ts'
import { runCommand } from './run-command.ts'

let folder: string
let server: Running
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'datastore-cli-'))
  const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
  server = await serve({ env: { PORT: '0', DUCKDB_PATH: join(folder, 'data'), AUTH_TYPE: 'anonymous' }, logger })
})
afterAll(async () => {
  await server.close(0)
  await rm(folder, { recursive: true, force: true })
})

const run = (args: string[], { input, env = {} }: { input?: string; env?: Record<string, string> } = {}) =>
  runCommand(args, { cwd: folder, env: { DATASTORE_URL: server.url, ...env }, input })

/** Cells of a csv file, as RFC 4180 has it. */
function parse(text: string): string[][] {
  const cells = [...text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|$)/g)]
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of cells) {
    rows.at(-1)?.push(quoted === undefined ? (plain as string) : quoted.replaceAll('""', '"'))
    if (end !== ',') rows.push([])
  }
  return rows.filter((row) => row.length > 1 || (row[0] !== undefined && row[0] !== ''))
}

/** Numbers are equal whatever zeros they end with. */
const canonical = (cell: string) => (/^-?\d+\.\d+$/.test(cell) ? cell.replace(/\.?0+$/, '') : cell)

const samples = fileURLToPath(new URL('../../samples/', import.meta.url))

describe('what is loaded comes back', () => {
  const files: Record<string, string> = {
    codes: `code,name,latitude,opened\r\n${Array.from({ length: 5000 }, (_, row) => `${String(row).padStart(5, '0')},"Name, ""${row}""",${(row / 7).toFixed(6)},20${String(row % 90).padStart(2, '0')}-02-03`).join('\r\n')}\r\n`,
    places: 'iata,name,city,latitude\n00M,"Thigpen, old",Bay Springs,31.95376472\n00R,,Livingston,30.68586111\n',
  }
  for (const [id, text] of Object.entries(files)) {
    test(id, async () => {
      await writeFile(join(folder, `${id}.csv`), text)
      expect(await run(['load', `${id}.csv`, '--resource-id', id])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/ rows into /),
      })
      const fields = text.split(/\r?\n/, 1)[0] as string
      expect(await run(['dump', id, '--fields', fields, '-o', `${id}-out.csv`])).toMatchObject({ code: 0 })
      const dumped = parse(await readFile(join(folder, `${id}-out.csv`), 'utf8'))
      expect(dumped.map((row) => row.map(canonical))).toEqual(parse(text).map((row) => row.map(canonical)))
    })
  }

  test('the samples that come with the project', async () => {
    const names = (await readdir(samples).catch(() => [])).filter((name) => name.endsWith('.csv'))
    for (const name of names) {
      const id = `sample-${name}`
      expect(await run(['load', join(samples, name), '-r', id])).toMatchObject({ code: 0 })
      const text = await readFile(join(samples, name), 'utf8')
      const { stdout } = await run(['dump', id, '--fields', text.split(/\r?\n/, 1)[0] as string])
      expect(parse(stdout).map((row) => row.map(canonical))).toEqual(parse(text).map((row) => row.map(canonical)))
    }
  })
})

describe('load', () => {
  test('standard input, and JSON for scripts', async () => {
    const { code, stdout, stderr } = await run(['load', '-', '-r', 'piped', '--json'], { input: 'a;b\n1;x\n' })
    expect([code, stderr, JSON.parse(stdout)]).toMatchObject([0, '', { success: true, result: { rows: 1 } }])
  })

  test('an address, a packed file', async () => {
    const body = gzipSync('a,b\n1,x\n2,y\n')
    const web = createServer((_request, response) => void response.end(body)).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/files/trees.csv.gz`
    expect(await run(['load', url, '-r', 'fetched'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^2 rows into fetched/),
    })
    web.close()
  })

  test('rows that were left out are named', async () => {
    await writeFile(join(folder, 'bad.csv'), 'a,b\n1,x\n2\n3,y\n')
    const { code, stdout, stderr } = await run(['load', 'bad.csv', '-r', 'bad', '--on-error', 'skip'])
    expect([code, stdout, stderr]).toEqual([
      0,
      expect.stringMatching(/^2 rows into bad/),
      expect.stringMatching(/1 rows were left out:\n {2}line 3: the row has 1 cells/),
    ])
    const [, url = ''] = /^All of them, for 24 hours: (http:\S+)$/m.exec(stderr) ?? []
    const all = '_row,_line,_error,_record,a,b\n1,3,"the row has 1 cells, the header 2",2,,\n'
    expect(await (await fetch(url)).text()).toBe(all)
    const again = await run(['load', 'bad.csv', '-r', 'bad', '--on-error', 'skip', '--json'])
    expect([again.stderr, await (await fetch(JSON.parse(again.stdout).result.rejected_url)).text()]).toEqual(['', all])
  })
})

const failures: [string, string[], { code: number; stderr: RegExp }][] = [
  ['no file', ['load'], { code: 2, stderr: /^The file is missing/ }],
  ['no resource', ['load', 'x.csv'], { code: 2, stderr: /^--resource-id is missing/ }],
  ['an unknown option', ['load', 'x.csv', '--resource', 'x'], { code: 2, stderr: /^There is no option --resource\./ }],
  ['an option without value', ['dump', 'x', '-o'], { code: 2, stderr: /^The option --o needs a value/ }],
  ['too many arguments', ['dump', 'x', 'y'], { code: 2, stderr: /^There are more arguments/ }],
  ['no http address', ['dump', 'x', '--url', 'ftp://x'], { code: 2, stderr: /no http address/ }],
  [
    'a file that is not there',
    ['load', 'nope.csv', '-r', 'x'],
    { code: 1, stderr: /^nope\.csv can't be read \(ENOENT\)/ },
  ],
  ['a folder', ['load', '.', '-r', 'x'], { code: 1, stderr: /is a folder/ }],
  ['a table that is not there', ['dump', 'nope'], { code: 1, stderr: /^The server answered 404: Not found/ }],
  ['a folder to write to that is not there', ['dump', 'nope', '-o', 'no/where.csv'], { code: 1, stderr: /404/ }],
  [
    'no server',
    ['dump', 'x', '--url', 'http://127.0.0.1:9'],
    { code: 1, stderr: /^No answer from http:\/\/127\.0\.0\.1:9/ },
  ],
]
describe('exit codes', () => {
  for (const [name, args, expected] of failures) {
    test(name, async () => {
      const { code, stdout, stderr } = await run(args)
      expect([code, stdout, stderr]).toEqual([expected.code, '', expect.stringMatching(expected.stderr)])
    })
  }
})

test('a download that breaks off is an error that says how much came, and leaves no file', async () => {
  const web = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/csv' })
    response.write('x'.repeat(3_000_000), () => setTimeout(() => response.socket?.resetAndDestroy(), 100))
  }).listen(0, '127.0.0.1')
  await once(web, 'listening')
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
  const { code, stderr } = await run(['dump', 'x', '-o', 'broken.csv', '--url', url])
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^The download broke off after \d\.\d MB: the file is not complete\./),
  ])
  expect((await readdir(folder)).filter((name) => name.startsWith('broken'))).toEqual([])
  web.close()
})

describe('a download that breaks off and goes on', () => {
  /** Passes requests on, and cuts every answer after so many bytes while there are cuts left. */
  async function cuttingProxy(after: number, cuts: number, port = 0) {
    const ranges: (string | undefined)[] = []
    const proxy = createServer((incoming, response) => {
      ranges.push(incoming.headers.range)
      const { pathname, search } = new URL(incoming.url as string, server.url)
      const outgoing = request(new URL(pathname + search, server.url), {
        headers: { ...incoming.headers, host: 'localhost' },
      })
      outgoing.on('response', (answer) => {
        response.writeHead(answer.statusCode as number, answer.headers)
        let bytes = 0
        answer.on('data', (chunk: Buffer) => {
          const cut = cuts > 0 && bytes + chunk.length > after
          const passed = cut ? chunk.subarray(0, after - bytes) : chunk
          bytes += passed.length
          response.write(passed)
          if (!cut) return
          cuts -= 1
          answer.destroy()
          // Not by a reset, which would take along what is under way.
          setTimeout(() => response.socket?.end(), 250)
        })
        answer.on('end', () => response.end())
        answer.on('error', () => {})
      })
      outgoing.end()
    }).listen(port, '127.0.0.1')
    await once(proxy, 'listening')
    return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, ranges, close: () => proxy.close() }
  }

  const left = async () => (await readdir(folder)).filter((name) => name.startsWith('long-out')).sort()
  const insert = (from: number) =>
    run(['load', '-', '-r', 'long', '--method', 'insert'], {
      input: `a,b\n${Array.from({ length: 20_000 }, (_, row) => `${from + row},text ${from + row}`).join('\n')}\n`,
    })
  const whole = async () => (await run(['dump', 'long'])).stdout
  beforeAll(async () => {
    expect(await insert(0)).toMatchObject({ code: 0 })
  })

  test('by itself', async () => {
    const proxy = await cuttingProxy(150_000, 2)
    const { code, stderr } = await run(['dump', 'long', '-o', 'long-out.csv', '--url', proxy.url])
    expect([code, stderr, proxy.ranges]).toEqual([
      0,
      expect.stringMatching(/broke at 0\.1 MB.*\n.*broke at 0\.3 MB/),
      [undefined, 'bytes=150000-', 'bytes=300000-'],
    ])
    expect(await left()).toEqual(['long-out.csv'])
    expect((await readFile(join(folder, 'long-out.csv'), 'utf8')) === (await whole())).toBe(true)
    await rm(join(folder, 'long-out.csv'))
    proxy.close()
  })

  test('when the command is called again, and from the beginning once the table has changed', {
    timeout: 90_000,
  }, async () => {
    for (const changed of [false, true]) {
      const broken = await cuttingProxy(50_000, 99)
      const first = await run(['dump', 'long', '-o', 'long-out.csv', '--url', broken.url, '--json'])
      expect([first.code, first.stdout, first.stderr]).toEqual([
        1,
        '',
        expect.stringMatching(/^The download broke off after 0\.3 MB/),
      ])
      expect(await left()).toEqual(['long-out.csv.part', 'long-out.csv.part.json'])
      broken.close()
      if (changed) await insert(20_000)
      // The same address, as the part is one of that address.
      const proxy = await cuttingProxy(0, 0, Number(new URL(broken.url).port))
      const again = await run(['dump', 'long', '-o', 'long-out.csv', '--url', broken.url, '--json'])
      const expected = await whole()
      expect([again.code, JSON.parse(again.stdout)]).toMatchObject([
        0,
        { file: 'long-out.csv', bytes: expected.length },
      ])
      expect(proxy.ranges).toEqual(['bytes=250000-'])
      expect(await left()).toEqual(['long-out.csv'])
      expect((await readFile(join(folder, 'long-out.csv'), 'utf8')) === expected).toBe(true)
      await rm(join(folder, 'long-out.csv'))
      proxy.close()
    }
  })

  test('from the beginning, where the server has no parts of it', async () => {
    const proxy = await cuttingProxy(50_000, 1)
    const { code } = await run(['dump', 'long', '--sort', 'a desc', '-o', 'long-out.csv', '--url', proxy.url])
    expect([code, proxy.ranges]).toEqual([0, [undefined, 'bytes=50000-']])
    const sorted = (await run(['dump', 'long', '--sort', 'a desc'])).stdout
    expect((await readFile(join(folder, 'long-out.csv'), 'utf8')) === sorted).toBe(true)
    await rm(join(folder, 'long-out.csv'))
    proxy.close()
  })
})
