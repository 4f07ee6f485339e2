import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { NotAuthorized } from '../../src/core/errors.ts'
import { LIMITS, RejectedFiles } from '../../src/infrastructure/engines/files/rejected-files.ts'
import { spyingProvider, testDatastore } from '../fixtures/datastore.ts'
import { expectError } from '../fixtures/envelope.ts'
import type { Answer, LoadTarget } from './open.ts'
import { openTarget } from './open.ts'
import { rejected } from './rejected.ts'
import { rejectedSuite, SCHEMA, SITE } from './rejected-suite.ts'

let target: LoadTarget
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.close())
afterEach(() => void vi.useRealTimers())

let last = 0
async function table(to = target): Promise<string> {
  last += 1
  const id = `sizes-${last}`
  expect((await to.act('create', { resource_id: id, schema: SCHEMA })).status).toBe(200)
  return id
}

const ok = ({ status, body }: Answer) => {
  expect([status, body.error]).toEqual([200, undefined])
  return body.result
}
const pathOf = (url: string) => url.slice(SITE.length)
const kept = (to = target) => readdir(join(to.folder, 'rejected'))

/** Loads a file with one bad row; answers where that is to be had. */
async function loadBad(id: string, to = target): Promise<string> {
  return pathOf(ok(await to.load(`${id}?on_error=skip`, 'name,size\na,x\n')).rejected_url)
}

rejectedSuite(() => openTarget(), rejected)

describe('all rows that were left out, as they were', () => {
  test('parquet', async () => {
    await target.load('parquet-source', 'name,size\na,1\n"b\n""c",x\nd,y\n')
    const file = await target.bytes('/datastore/dump/parquet-source?format=parquet&fields=name,size')
    const result = ok(await target.load(`${await table()}?on_error=skip&format=parquet`, file))
    expect(result).toMatchObject({ rows: 1, rejected: 2 })
    expect(await (await target.ask(pathOf(result.rejected_url))).text()).toBe(
      '_row,_error,_record,name,size\n' +
        '1,"invalid input syntax for type bigint: ""x""",,"b\n""c",x\n2,"invalid input syntax for type bigint: ""y""",,d,y\n',
    )
  })

  test('100,000 of them, in pieces, in their order', async () => {
    const count = 100_000
    const line = (row: number) => (row % 3 === 0 ? `row ${row}\n` : `row ${row},${row % 3 === 1 ? 'x' : row},\n`)
    const lines = Array.from({ length: count * 1.5 }, (_, row) => line(row))
    const result = ok(await target.load(`${await table()}?on_error=skip`, `name,size,day\n${lines.join('')}`))
    expect(result).toMatchObject({ rows: count / 2, rejected: count })
    const response = await target.ask(pathOf(result.rejected_url))
    const [header, ...rows] = (await response.text()).trimEnd().split('\n')
    const expected = Array.from({ length: count * 1.5 }, (_, row) =>
      row % 3 === 0
        ? `${row},${row + 2},"the row has 1 cells, the header 3",row ${row},,,`
        : `${row},${row + 2},"invalid input syntax for type bigint: ""x""",,row ${row},x,`,
    ).filter((_, row) => row % 3 !== 2)
    expect([header, rows.length, rows.join('\n') === expected.join('\n')]).toEqual([
      '_row,_line,_error,_record,name,size,day',
      count,
      true,
    ])
  }, 60_000)
})

test('of a file of which DuckDB passes over a part: all the same', async () => {
  const long = 'y'.repeat(100)
  const lines = Array.from({ length: 200_000 }, (_, row) => `${long}${row % 2 ? `,${row},` : ''}\n`)
  const result = ok(await target.load(`${await table()}?on_error=skip`, `name,size,day\n${lines.join('')}`))
  expect(result).toMatchObject({ rows: 100_000, rejected: 100_000 })
}, 60_000)

describe('no file', () => {
  const none: [string, string, string][] = [
    ['of a load without bad rows', 'on_error=skip', 'name,size\na,1\n'],
    ['of a load that aborts', 'on_error=abort', 'name,size\na,x\n'],
    ['of a load that fails for another reason', 'on_error=skip&method=upsert', 'name,size\na,x\n'],
  ]
  for (const [name, query, body] of none) {
    test(name, async () => {
      const before = await kept()
      const { body: answer } = await target.load(`${await table()}?${query}`, body)
      expect(answer.result?.rejected_url).toBeUndefined()
      expect(await kept()).toEqual(before)
      expect(await readdir(join(target.folder, 'export'))).toEqual([])
    })
  }

  test('of a load that breaks a constraint after the rows were written', async () => {
    const schema = {
      fields: [
        { name: 'name', constraints: { unique: true } },
        { name: 'size', type: 'integer' },
      ],
    }
    const before = await kept()
    const query = `on_error=skip&schema=${encodeURIComponent(JSON.stringify(schema))}`
    expect((await target.load(`breaking?${query}`, 'name,size\na,x\nb,1\nb,1\n')).status).toBe(409)
    expect([await kept(), await readdir(join(target.folder, 'export'))]).toEqual([before, []])
  })

  test('where a quote that does not end would take good rows along, of which nobody would hear', async () => {
    const id = await table()
    const before = await kept()
    const lines = Array.from({ length: 100_000 }, (_, row) => (row === 5 ? '"a,1,' : `b,${row},`))
    const { status, body } = await target.load(`${id}?on_error=skip`, `name,size,day\n${lines.join('\n')}\n`)
    const sentence = expect.stringMatching(/^a quoted value does not end: the rows behind it can not be told from it$/)
    expect([status, body.error]).toMatchObject([409, { records: [sentence], records_row: 5, bad_cells: [{ line: 7 }] }])
    expect((await target.act('search', { resource_id: id, limit: 0 })).body.result.total).toBe(0)
    expect([await kept(), await readdir(join(target.folder, 'export'))]).toEqual([before, []])
  })

  test('of a client that has hung up', async () => {
    const before = await kept()
    const id = await table()
    const hangUp = new AbortController()
    const body = `name,size\n${'a,x\n'.repeat(300_000)}`
    const load = target.ask(`/datastore/load/${id}?on_error=skip`, { method: 'POST', body, signal: hangUp.signal })
    setTimeout(() => hangUp.abort(), 150)
    await (await load).text()
    await vi.waitFor(async () => {
      expect([await kept(), await readdir(join(target.folder, 'export'))]).toEqual([before, []])
      expect(await target.leftovers()).toEqual([])
    }, 10_000)
  })
})

describe('where nothing is to be had: 404', () => {
  const get = async (path: string) => expectError(await target.ask(path), 404, 'Not Found Error')

  test('an unknown id, and what is no id', async () => {
    const id = await table()
    for (const file of ['00000000-0000-4000-8000-000000000000', 'x', '..%2f..%2fdatastore.duckdb', '%00', "'"])
      await get(`/datastore/load/${id}/rejected/${file}`)
  })

  test("another table's", async () => {
    const path = await loadBad(await table())
    await get(path.replace(/sizes-\d+/, await table()))
  })

  test('of a table that was dropped, also when there is another of its name', async () => {
    const id = await table()
    const path = await loadBad(id)
    const file = `${path.split('/').at(-1)}.csv`
    expect(await kept()).toContain(file)
    ok(await target.act('delete', { resource_id: id }))
    expect(await kept()).not.toContain(file)
    await get(path)
    ok(await target.act('create', { resource_id: id, schema: SCHEMA }))
    await get(path)
  })

  test('after a day', async () => {
    const path = await loadBad(await table())
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(Date.now() + LIMITS.age - 60_000)
    expect((await target.ask(path)).status).toBe(200)
    vi.setSystemTime(Date.now() + 60_000)
    await get(path)
    expect(await kept()).not.toContain(`${path.split('/').at(-1)}.csv`)
  })
})

test('HEAD says how much it is', async () => {
  const path = await loadBad(await table())
  const [head, get] = [await target.ask(path, { method: 'HEAD' }), await target.ask(path)]
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
    200,
    String((await get.text()).length),
    '',
  ])
})

test('it is kept after it was read, and after a reader has left', async () => {
  const path = await loadBad(await table())
  await (await target.ask(path)).body?.cancel()
  for (const _ of [1, 2]) expect(await (await target.ask(path)).text()).toContain('"x"')
})

describe('who may have them', () => {
  const asked = async (allowed: readonly string[]) => {
    const { provider, questions } = spyingProvider(({ permission }) => {
      if (!allowed.includes(permission)) throw new NotAuthorized('no')
      return { resource: { id: 'trees', url_type: 'upload' } }
    })
    const { ask } = await testDatastore({ auth: provider })
    const response = await ask('GET /datastore/load/trees/rejected/a-file', { headers: { Authorization: 't' } })
    return { response, questions }
  }

  test('whoever may load, also by force', async () => {
    const { response, questions } = await asked(['update'])
    expect([response.status, await response.text()]).toEqual([200, expect.stringMatching(/^_row/)])
    expect(questions).toMatchObject([{ permission: 'update', resourceId: 'trees', credential: 't' }])
  })
  test('not who may only read', async () => {
    const { response } = await asked(['read', 'create', 'delete'])
    await expectError(response, 403, 'Authorization Error')
  })
  test('nobody without a credential, and none by a callback', async () => {
    const { provider, questions } = spyingProvider()
    const { ask } = await testDatastore({ auth: provider })
    const path = '/datastore/load/trees/rejected/a-file'
    await expectError(await ask(`GET ${path}`), 403, 'Authorization Error')
    const headers = { Authorization: 't' }
    await expectError(await ask(`GET ${path}?callback=f`, { headers }), 403, 'Authorization Error')
    expect(questions).toEqual([])
  })
  test('by token: to write, not to read', async () => {
    const secret = 'a-secret-of-more-than-thirty-two-characters'
    const token = (scope: string) =>
      new SignJWT({ sub: 'rita', scope }).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))
    const guarded = await openTarget({ JWT_SECRET: secret }, 'jwt')
    try {
      const headers = async (scope: string) => ({ Authorization: `Bearer ${await token(`datastore:${scope}`)}` })
      const schema = encodeURIComponent(JSON.stringify(SCHEMA))
      const sent = guarded.load(`t?on_error=skip&schema=${schema}`, 'name,size\na,x\n', await headers('write'))
      const path = pathOf(ok(await sent).rejected_url)
      const get = async (init: RequestInit) => (await guarded.ask(path, init)).status
      expect([
        await get({ headers: await headers('write') }),
        await get({ headers: await headers('read') }),
        await get({}),
      ]).toEqual([200, 403, 403])
    } finally {
      await guarded.close()
    }
  })
  test('501 from an engine that keeps none', async () => {
    const { ask } = await testDatastore({ engine: { rejectedRows: undefined } })
    await expectError(await ask('GET /datastore/load/trees/rejected/a-file'), 501, 'Not Implemented')
  })
})

describe('what is kept at most', () => {
  let clock = 0
  const written = async (name: string, bytes: number) => {
    const path = join(target.folder, 'export', name)
    await writeFile(path, name)
    return { path, bytes }
  }
  const open = () => new RejectedFiles(join(target.folder, 'rejected'), () => clock)
  const isKept = async (files: RejectedFiles, id: string | undefined) => {
    const found = await files.open('t', id as string)
    await found?.stream.cancel()
    return found !== undefined
  }

  test('so many files', async () => {
    const files = open()
    const ids: (string | undefined)[] = []
    for (let n = 0; n <= LIMITS.files; n++) ids.push(await files.keep('t', await written('a', 1)))
    expect([await isKept(files, ids[0]), await isKept(files, ids[1])]).toEqual([false, true])
    await files.drop('t')
  })

  test('so many bytes', async () => {
    const files = open()
    const [a, b] = [await files.keep('t', await written('a', 1)), await files.keep('t', await written('b', 5e8))]
    const c = await files.keep('t', await written('c', 5e8))
    expect([await isKept(files, a), await isKept(files, b), await isKept(files, c)]).toEqual([false, true, true])
    expect(await files.keep('t', await written('d', LIMITS.bytes + 1))).toBeUndefined()
    await files.drop('t')
  })

  test('so long', async () => {
    const files = open()
    const id = await files.keep('t', await written('a', 1))
    clock += LIMITS.age - 1
    expect(await isKept(files, id)).toBe(true)
    clock += 1
    expect(await isKept(files, id)).toBe(false)
    await files.drop('t')
  })
})
