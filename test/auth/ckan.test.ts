import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import createProvider from '../../src/auth/ckan/index.ts'
import type { AuthProvider, Question } from '../../src/auth/provider.ts'
import { type CkanAnswer, type CkanServer, startCkan } from '../fixtures/ckan-server.ts'
import { providerContext, type TestContext } from '../fixtures/provider-context.ts'

const EDITOR = 'token-of-the-editor-4711'
const READER = 'token-of-a-reader-0815'

let ckan: CkanServer
let context: TestContext
let provider: AuthProvider

beforeEach(async () => {
  ckan = await startCkan()
  ckan.addUser(EDITOR, { name: 'erna', editor: true })
  ckan.addUser(READER, { name: 'rita' })
  ckan.addResource('trees')
  ckan.addResource('salaries', { private: true })
  await useProvider({})
})

afterEach(async () => {
  await provider.close?.()
  await context.cache.close()
  await ckan.close()
})

async function useProvider(env: Record<string, string>): Promise<void> {
  context = await providerContext({ CKAN_URL: ckan.url, HTTP_TIMEOUT_SECONDS: '0.3', ...env })
  provider = createProvider(context)
}

const read = (resourceId: string, more: Partial<Question> = {}): Question => ({
  permission: 'read',
  resourceId,
  ...more,
})

describe('a question', () => {
  const questions: { question: Question; body: unknown; token?: string }[] = [
    { question: read('trees'), body: { resource_id: 'trees', permission: 'read' } },
    {
      question: { permission: 'create', packageId: 'package-of-trees', credential: EDITOR },
      body: { package_id: 'package-of-trees', permission: 'create' },
      token: EDITOR,
    },
    {
      question: { permission: 'create', packageId: 'name-of-package-of-trees', credential: 'Bearer-less odd token' },
      body: { package_id: 'name-of-package-of-trees', permission: 'create' },
      token: 'Bearer-less odd token',
    },
    {
      question: { permission: 'update', resourceId: 'trees', credential: EDITOR },
      body: { resource_id: 'trees', permission: 'update' },
      token: EDITOR,
    },
    {
      question: { permission: 'delete', resourceId: 'trees', credential: EDITOR },
      body: { resource_id: 'trees', permission: 'delete' },
      token: EDITOR,
    },
  ]

  test.each(questions)('to $question.permission is put to datastore_authorize', async ({ question, body, token }) => {
    await provider.authorize(question).catch(() => {})
    expect(ckan.calls).toEqual([{ action: 'datastore_authorize', body, token }])
  })

  test("a yes brings CKAN's records, without the dataset's other resources", async () => {
    ckan.packages.set('package-of-trees', { id: 'package-of-trees', resources: [{ id: 'trees' }, { id: 'other' }] })
    expect(await provider.authorize(read('trees'))).toEqual({
      resource: { id: 'trees', package_id: 'package-of-trees', url_type: 'datastore' },
      package: { id: 'package-of-trees' },
    })
  })

  test('without a target, or with two, is a defect and no yes', async () => {
    ckan.override = () => ({ status: 200, body: { success: true, result: {} } })
    await expect(provider.authorize({ permission: 'read' })).rejects.toThrow(TypeError)
    await expect(provider.authorize(read('trees', { packageId: 'x' }))).rejects.toThrow(TypeError)
  })
})

describe('an answer', () => {
  const error = (status: number, __type: string, more: object): CkanAnswer => ({
    status,
    body: { success: false, error: { __type, ...more } },
  })
  const text = (status: number, body: string): CkanAnswer => ({ status, body })
  const success = (result: unknown): CkanAnswer => ({ status: 200, body: { success: true, result } })
  const answers: Record<string, { answer: CkanAnswer; status: number; message: string | RegExp }> = {
    'no, with words': {
      answer: error(403, 'Authorization Error', { message: 'Access denied: User rita not authorized to read trees' }),
      status: 403,
      message: 'Access denied: User rita not authorized to read trees',
    },
    'no, without': {
      answer: error(403, 'Authorization Error', { message: 'Access denied' }),
      status: 403,
      message: 'Access denied: Not authorized to perform resource_show on resource trees',
    },
    'no, from a gateway': { answer: text(403, '<h1>Forbidden</h1>'), status: 403, message: /^Access denied: Not auth/ },
    'unknown token': { answer: text(401, ''), status: 403, message: /^Access denied: Not authorized/ },
    'no such resource': {
      answer: error(404, 'Not Found Error', { message: 'Not found' }),
      status: 404,
      message: 'Not found: Resource "trees" was not found.',
    },
    'no such page: a wrong CKAN_URL': { answer: text(404, '<h1>404</h1>'), status: 503, message: /status 404/ },
    'invalid parameters': {
      answer: error(409, 'Validation Error', { resource_id: ['Missing value'] }),
      status: 409,
      message: 'resource_id: Missing value',
    },
    'invalid parameters, with another status': {
      answer: error(500, 'Validation Error', { resource_id: ['Missing value'] }),
      status: 503,
      message: /status 500/,
    },
    'bad request': { answer: text(400, '"Bad request - JSON Error"'), status: 503, message: /status 400/ },
    'too many requests': { answer: text(429, 'slow down'), status: 503, message: /status 429/ },
    'internal error': { answer: error(500, 'Internal Server Error', {}), status: 503, message: /status 500/ },
    'gateway error': { answer: text(502, '<h1>Bad Gateway</h1>'), status: 503, message: /status 502/ },
    'login page': { answer: text(200, '<h1>Please log in</h1>'), status: 503, message: /not an action's/ },
    'success that is none': {
      answer: { status: 200, body: { success: false } },
      status: 503,
      message: /not an action's/,
    },
    'empty yes': { answer: success({}), status: 503, message: /not understood/ },
    'yes about nothing': { answer: success(null), status: 503, message: /not understood/ },
    'yes about another': { answer: success({ resource: { id: 'salaries' } }), status: 503, message: /not understood/ },
    'yes as a text': { answer: success('true'), status: 503, message: /not understood/ },
    redirect: {
      answer: { status: 301, body: '', headers: { Location: 'http://127.0.0.1:9/' } },
      status: 503,
      message: /CKAN_URL must be the address that it redirects to/,
    },
    'yes that never ends': {
      answer: { ...success({ resource: { id: 'trees' } }), headers: { 'Content-Length': '9999' } },
      status: 503,
      message: /did not answer within 0.3 seconds/,
    },
  }

  test.each(Object.entries(answers))('%s', async (_, { answer, status, message }) => {
    ckan.override = () => answer
    const thrown = await provider.authorize(read('trees')).catch((problem) => problem)
    expect(thrown).toMatchObject({ status, message: expect.stringMatching(message) })
  })

  test.each([
    success({ resource: { id: 'trees', notes: 'x'.repeat(17 * 1024 * 1024) } }),
    text(403, 'x'.repeat(17 * 1024 * 1024)),
  ])('that is too long, with status $status', async (answer) => {
    await useProvider({ HTTP_TIMEOUT_SECONDS: '10' })
    ckan.override = () => answer
    await expect(provider.authorize(read('trees'))).rejects.toMatchObject({
      status: 503,
      message: expect.stringMatching(/larger than 16 MB/),
    })
    expect(ckan.calls).toHaveLength(1)
  })

  test('field errors of CKAN are passed on', async () => {
    ckan.override = () => error(409, 'Validation Error', { resource_id: ['Missing value'] })
    await expect(provider.authorize(read('trees'))).rejects.toMatchObject({
      detail: { resource_id: ['Missing value'] },
    })
  })
})

describe('without CKAN nobody gets in', () => {
  test('slow: 503 when the time is up', async () => {
    ckan.delayMs = 2000
    const start = performance.now()
    await expect(provider.authorize(read('trees'))).rejects.toMatchObject({
      status: 503,
      message: expect.stringMatching(/CKAN.* did not answer within 0.3 seconds\. Try again later\./),
    })
    expect(performance.now() - start).toBeLessThan(1500)
    await expect(provider.healthcheck?.()).rejects.toMatchObject({ status: 503 })
  })

  test('down: 503, one log line, and back again', async () => {
    await ckan.down()
    for (const id of ['trees', 'salaries', 'trees'])
      await expect(provider.authorize(read(id))).rejects.toMatchObject({ status: 503, message: /cannot be reached/ })
    await expect(provider.healthcheck?.()).rejects.toMatchObject({ status: 503 })
    expect(context.lines).toEqual([expect.stringMatching(/^error Nothing can be authorized .*cannot be reached/)])

    await ckan.up()
    await provider.authorize(read('trees'))
    await provider.healthcheck?.()
    expect(context.lines.slice(1)).toEqual([expect.stringMatching(/^info CKAN answers again/)])
  })

  test('each new reason has its line in the log', async () => {
    const fails = async () => expect(provider.authorize(read('trees'))).rejects.toMatchObject({ status: 503 })
    for (const status of [502, 500, 502, 500, 502]) {
      ckan.override = () => ({ status, body: '' })
      await fails()
    }
    expect(context.lines).toEqual([expect.stringMatching(/^error .*status 502/), expect.stringMatching(/status 500/)])
    ckan.override = undefined
    await provider.authorize(read('trees'))
    ckan.override = () => ({ status: 502, body: '' })
    await expect(provider.authorize(read('salaries'))).rejects.toMatchObject({ status: 503 })
    expect(context.lines.slice(2)).toEqual([
      expect.stringMatching(/^info CKAN answers again/),
      expect.stringMatching(/^error .*status 502/),
    ])
  })

  test('a connection that breaks is tried once more for a question', async () => {
    let breaks = 1
    ckan.override = () => {
      if (breaks-- > 0) throw new Error('reset')
      return undefined
    }
    expect(await provider.authorize(read('trees'))).toMatchObject({ resource: { id: 'trees' } })
    breaks = 2
    await expect(provider.authorize(read('salaries'))).rejects.toMatchObject({ status: 503 })
    expect(ckan.calls).toHaveLength(4)
  })

  test('but not after a time-out, nor for what changes CKAN', async () => {
    ckan.delayMs = 400
    await expect(provider.authorize(read('trees'))).rejects.toMatchObject({ status: 503 })
    ckan.delayMs = 0
    expect(ckan.calls).toHaveLength(1)
    ckan.override = () => {
      throw new Error('reset')
    }
    const made = provider.createResource?.({ package_id: 'package-of-trees' }, { credential: EDITOR })
    await expect(made).rejects.toMatchObject({ status: 503 })
    await provider.tableChanged?.({ kind: 'dropped', resourceId: 'trees', credential: EDITOR })
    expect([ckan.count('resource_create'), ckan.count('resource_patch')]).toEqual([1, 1])
  })

  test('without the action: 503, one log line with the remedy, and back again', async () => {
    ckan.lacksAction = true
    await expect(provider.healthcheck?.()).rejects.toMatchObject({ status: 503 })
    for (const id of ['trees', 'salaries'])
      await expect(provider.authorize(read(id))).rejects.toMatchObject({
        status: 503,
        message: expect.stringContaining('datastore_authorize'),
      })
    expect(context.lines).toHaveLength(1)
    expect(context.lines[0]).toContain('enable ckanext-datastore-authz in ckan.plugins')
    expect(context.lines[0]).toContain(`curl -s ${ckan.url}/api/3/action/datastore_authorize`)

    ckan.lacksAction = false
    await provider.authorize(read('trees'))
    expect(context.lines).toHaveLength(2)
  })

  test('healthy is a CKAN that answers, even if it says no', async () => {
    await provider.healthcheck?.()
    expect(ckan.calls[0]?.token).toBeUndefined()
    ckan.override = () => ({ status: 403, body: 'no' })
    await provider.healthcheck?.()
  })
})

describe('the memory', () => {
  const allowed = (question: Question) =>
    provider.authorize(question).then(
      () => true,
      () => false,
    )

  test('a yes is asked for once, until its time is up', async () => {
    await useProvider({ AUTH_CACHE_TTL: '0.4' })
    const question = { permission: 'update', resourceId: 'trees', credential: EDITOR } as const
    expect(await allowed(question)).toBe(true)
    ckan.revoke(EDITOR)
    expect(await allowed(question)).toBe(true)
    expect(ckan.calls).toHaveLength(1)
    await sleep(500)
    expect(await allowed(question)).toBe(false)
  })

  test('a no is remembered too, and a new grant is found out', async () => {
    await useProvider({ AUTH_CACHE_TTL: '0.4' })
    const question = read('salaries', { credential: READER })
    expect([await allowed(question), await allowed(question)]).toEqual([false, false])
    expect(ckan.calls).toHaveLength(1)
    await expect(provider.authorize(question)).rejects.toThrow(
      'Access denied: User rita not authorized to read salaries',
    )
    ckan.addUser(READER, { name: 'rita', editor: true })
    await sleep(500)
    expect(await allowed(question)).toBe(true)
  })

  const fails = (status: number, body: unknown = '') => ({ status, body })
  test.each([
    { ttl: '10', answer: undefined, kept: [10] },
    { ttl: '300', answer: fails(403), kept: [2] },
    { ttl: '1', answer: fails(403), kept: [1] },
    { ttl: '10', answer: fails(404, { success: false, error: { __type: 'Not Found Error' } }), kept: [] },
    { ttl: '10', answer: fails(500), kept: [] },
    { ttl: '10', answer: fails(400, '"Bad request - Action name not known: datastore_authorize"'), kept: [] },
  ])('AUTH_CACHE_TTL=$ttl, $answer.status: kept for $kept seconds', async ({ ttl, answer, kept }) => {
    await useProvider({ AUTH_CACHE_TTL: ttl })
    ckan.override = () => answer
    await allowed(read('trees'))
    await allowed(read('trees'))
    expect(context.stored.map(({ ttlSeconds }) => ttlSeconds)).toEqual(kept)
    expect(ckan.calls).toHaveLength(kept.length === 0 ? 2 : 1)
  })

  test('AUTH_CACHE_TTL=0 asks each time', async () => {
    await useProvider({ AUTH_CACHE_TTL: '0' })
    await allowed(read('trees'))
    await allowed(read('trees'))
    expect(ckan.calls).toHaveLength(2)
  })

  test('no question takes the answer of another', async () => {
    const questions: Question[] = [undefined, EDITOR, READER].flatMap((credential) => [
      read('trees', { credential }),
      read('salaries', { credential }),
      { permission: 'update', resourceId: 'trees', credential },
      { permission: 'create', packageId: 'package-of-trees', credential },
      { permission: 'create', resourceId: 'package-of-trees', credential },
    ])
    for (const question of [...questions, ...questions]) await allowed(question)
    const asked = new Set(ckan.calls.map((call) => JSON.stringify(call)))
    expect(asked.size).toBe(questions.length)
  })

  test('identical questions under way are one call, and who gives up leaves the others their answer', async () => {
    ckan.delayMs = 200
    const hasty = new AbortController()
    const first = provider.authorize(read('trees', { signal: hasty.signal }))
    await expect.poll(() => ckan.calls.length).toBe(1)
    const others = Array.from({ length: 20 }, () => provider.authorize(read('trees')))
    const gone = expect(first).rejects.toThrow('changed my mind')
    hasty.abort(new Error('changed my mind'))
    await gone
    expect((await Promise.all(others)).map(({ resource }) => resource?.id)).toEqual(Array(20).fill('trees'))
    expect(ckan.calls).toHaveLength(1)
  })

  const about = (id: unknown) => ({ allowed: { resource: { id } } })
  test.each(
    [
      ['garbage', 5, true, null, {}, [[]], { denied: 5 }, { denied: null }, { allowed: null }, { allowed: {} }],
      [{ allowed: true }, about('shrubs'), about(5), { allowed: { package: { id: 'trees' } } }, { decision: true }],
    ]
      .flat()
      .map((value) => ({ value })),
  )('what somebody else put into it is not taken for an answer: $value', async ({ value }) => {
    Object.assign(context.cache, { get: async () => value })
    expect(await provider.authorize(read('trees'))).toMatchObject({ resource: { id: 'trees' } })
    await expect(provider.authorize(read('salaries'))).rejects.toMatchObject({ status: 403 })
    const denied = provider.authorize({ permission: 'create', packageId: 'package-of-trees' })
    await expect(denied).rejects.toMatchObject({ status: 403 })
    expect(ckan.calls).toHaveLength(3)
  })

  test('a failure is shared by those who wait, and forgotten', async () => {
    ckan.delayMs = 50
    ckan.override = () => ({ status: 500, body: '' })
    const waiting = [1, 2, 3].map(() => allowed(read('trees')))
    expect(await Promise.all(waiting)).toEqual([false, false, false])
    expect(ckan.calls).toHaveLength(1)
    ckan.override = undefined
    expect(await allowed(read('trees'))).toBe(true)
  })
})

test('no token gets into a log line, an error or the cache', async () => {
  await useProvider({ AUTH_CACHE_TTL: '0' })
  const echo = (token = '') => ({ success: false, error: { __type: 'Validation Error', token: [`bad ${token}`] } })
  const problems = []
  for (const status of [403, 404, 409, 500]) {
    ckan.override = (call) => ({ status, body: echo(call.token) })
    problems.push(await provider.authorize(read('trees', { credential: EDITOR })).catch((thrown) => thrown))
  }
  ckan.override = undefined
  await provider.authorize(read('trees', { credential: EDITOR }))
  problems.push(await provider.authorize(read('trees', { credential: `${EDITOR}\n` })).catch((thrown) => thrown))
  expect(problems.map(({ status }) => status)).toEqual([403, 404, 503, 503, 403])
  for (const { message, detail } of problems) expect(JSON.stringify([message, detail])).not.toContain(EDITOR)
  expect(JSON.stringify([context.lines, context.stored])).not.toContain(EDITOR)
  for (const { key } of context.stored) expect(key).toMatch(/^auth:[0-9a-f]{64}$/)
  expect(context.stored).toHaveLength(3)
})

test.each([403, 404])(
  'what CKAN says with the token in it, and status %s, is said in our own words',
  async (status) => {
    ckan.override = (call) => ({ status, body: { success: false, error: { message: `no, ${call.token}` } } })
    const made = provider.createResource?.({ package_id: 'package-of-trees' }, { credential: EDITOR })
    await expect(made).rejects.toMatchObject({ status, message: expect.stringMatching(/: .*resource_create/) })
    const dropped = { kind: 'dropped', resourceId: 'trees', credential: EDITOR } as const
    expect(await provider.tableChanged?.(dropped)).toEqual([expect.stringMatching(/: .*resource_patch/)])
    expect(JSON.stringify(context.lines)).not.toContain(EDITOR)
  },
)

describe('datastore_create with a resource', () => {
  const wanted = { package_id: 'package-of-trees', name: 'Trees', url_type: 'upload' }

  test('makes it as a datastore resource, under an id that nobody has, and takes it back', async () => {
    const made = await provider.createResource?.({ ...wanted, id: 'salaries' }, { credential: EDITOR })
    expect(made).toMatchObject({ name: 'Trees', url_type: 'datastore', datastore_active: true })
    const id = made?.id ?? ''
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(ckan.resources.has(id)).toBe(true)
    await provider.deleteResource?.(id, { credential: EDITOR })
    expect(ckan.resources.has(id)).toBe(false)
    expect(ckan.calls.map(({ token }) => token)).toEqual([EDITOR, EDITOR])
  })

  test.each([
    { token: READER, resource: wanted, status: 403 },
    { token: EDITOR, resource: { package_id: 'nowhere' }, status: 409 },
  ])('CKAN answers $status', async ({ token, resource, status }) => {
    const making = provider.createResource?.(resource, { credential: token })
    await expect(making).rejects.toMatchObject({ status })
  })

  test('an answer without an id is a failure', async () => {
    ckan.override = () => ({ status: 200, body: { success: true, result: {} } })
    await expect(provider.createResource?.(wanted, { credential: EDITOR })).rejects.toMatchObject({ status: 503 })
  })

  const make = (call: { body: Record<string, unknown> }) => ckan.resources.set(String(call.body.id), call.body)
  const hangs: CkanAnswer = { status: 200, body: '', headers: { 'Content-Length': '9999' } }
  const faults: Record<string, (call: { body: Record<string, unknown> }) => CkanAnswer> = {
    'fails after it': (call) => make(call) && { status: 500, body: '' },
    'is cut off after it': (call) => {
      make(call)
      throw new Error('reset')
    },
    'does not say so in time': (call) => make(call) && hangs,
    'is late with it': (call) => {
      setTimeout(() => make(call), 400)
      return hangs
    },
    'says what can not be read': (call) => make(call) && { status: 200, body: '<h1>Hi</h1>' },
    'says that it made another': (call) =>
      make(call) && { status: 200, body: { success: true, result: { id: 'trees' } } },
  }
  test.each(Object.entries(faults))('a CKAN that %s keeps nothing', async (_, fault) => {
    ckan.override = (call) => (call.action === 'resource_create' ? fault(call) : undefined)
    await expect(provider.createResource?.(wanted, { credential: EDITOR })).rejects.toMatchObject({ status: 503 })
    await sleep(450)
    await expect.poll(() => [...ckan.resources.keys()]).toEqual(['trees', 'salaries'])
    expect(context.lines).toEqual([])
  })

  test('what can not be taken back is logged once, with its id and without the token', async () => {
    ckan.override = (call) => {
      if (call.action === 'resource_create') make(call)
      return { status: 500, body: '' }
    }
    await expect(provider.createResource?.(wanted, { credential: EDITOR })).rejects.toMatchObject({ status: 503 })
    await expect.poll(() => context.lines).toEqual([expect.stringContaining([...ckan.resources.keys()].at(-1) ?? '-')])
    expect(context.lines.join()).not.toContain(EDITOR)
  })

  test('nor is the end of the service a reason to leave it behind', async () => {
    await useProvider({ HTTP_TIMEOUT_SECONDS: '1' })
    ckan.override = (call) => {
      if (call.action !== 'resource_create') return undefined
      setTimeout(() => make(call), 1200)
      return hangs
    }
    await expect(provider.createResource?.(wanted, { credential: EDITOR })).rejects.toMatchObject({ status: 503 })
    await expect.poll(() => ckan.resources.size).toBe(3)
    await provider.close?.()
    expect([...ckan.resources.keys()]).toEqual(['trees', 'salaries'])
  })
})
