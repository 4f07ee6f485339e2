import { describe, expect, test } from 'vitest'
import { NotAuthorized, NotFound, ValidationError } from '../../src/core/errors.ts'
import { spyingProvider, testDatastore } from '../fixtures/datastore.ts'

const known = { headers: { Authorization: 'a-token' } }
const sql = (statement: string) => encodeURIComponent(statement)
const call = (action: string, params: object) => `POST /api/3/action/${action} ${JSON.stringify(params)}`

/** What a provider may say of a resource that the caller may not read, in words that name it. */
const denials: Record<string, () => Error> = {
  403: () => new NotAuthorized('User rita not authorized to read trees of package parks'),
  404: () => new NotFound('Resource "trees" was not found.'),
  409: () => new ValidationError({ resource_id: ['trees is odd'] }),
}

/** Reads of the table `trees` by its alias. */
const reads = [
  'GET /api/3/action/datastore_search?resource_id=forest',
  'GET /api/3/action/datastore_info?id=forest',
  `GET /api/3/action/datastore_search_sql?sql=${sql('SELECT * FROM forest')}`,
  `GET /datastore/dump/query?sql=${sql('SELECT * FROM "forest"')}`,
  'GET /datastore/dump/forest',
  'GET /datastore/dump/forest.csv',
]

describe('§7.2 an alias does not tell whose it is to who may not read the table', () => {
  for (const [status, denial] of Object.entries(denials)) {
    for (const line of reads) {
      test(`${status}: ${line}`, async () => {
        const { provider, questions } = spyingProvider(() => {
          throw denial()
        })
        const { ask, log } = await testDatastore({ auth: provider })
        const response = await ask(line, known)
        const text = await response.text()
        expect(questions).toMatchObject([{ resourceId: 'trees' }])
        expect([403, 404]).toContain(response.status)
        expect(text + JSON.stringify(log)).not.toMatch(/trees|parks/)
      })
    }
  }

  test('what is wrong with a token is said all the same', async () => {
    const { ask } = await testDatastore({ auth: 'jwt', env: { JWT_SECRET: 'x'.repeat(32) } })
    expect(await (await ask(reads[0] ?? '')).text()).toContain('JWT token required')
    expect(await (await ask(reads[0] ?? '', known)).text()).toContain('it is not a JSON Web Token')
  })

  test('a dump by an alias looks like one of nothing', async () => {
    const { provider } = spyingProvider(() => {
      throw denials[404]?.()
    })
    const { ask } = await testDatastore({ auth: provider })
    const text = async (name: string) =>
      (await (await ask(`GET /datastore/dump/${name}`, known)).text()).replaceAll(name, 'X')
    expect(await text('forest')).toBe(await text('nothing'))
  })

  test('nor does the catalogue that gives a new resource an id that is an alias', async () => {
    const { provider } = spyingProvider()
    Object.assign(provider, { createResource: async () => ({ id: 'forest' }), deleteResource: async () => {} })
    const { ask } = await testDatastore({ auth: provider })
    const response = await ask(call('datastore_create', { resource: { package_id: 'p' } }), known)
    const text = await response.text()
    expect([response.status, text]).toEqual([409, expect.stringContaining('forest')])
    expect(text).not.toContain('trees')
  })
})

describe('§7.2 an alias is no way to answer for another resource', () => {
  const OTHERS_UUID = 'a3b1f1a0-5b0e-4d2c-9d8a-0c4b4a4f7e11'
  /** `mine` and `mine-too` may be changed, `theirs` may not, and nothing else is known. */
  const portal = () =>
    spyingProvider(({ resourceId, packageId }) => {
      if (packageId || resourceId?.startsWith('mine')) return {}
      throw resourceId === 'theirs' ? new NotAuthorized('no') : new NotFound('no such resource')
    })

  const cases: [alias: string, status: number][] = [
    ['theirs', 403],
    [OTHERS_UUID, 403],
    [OTHERS_UUID.toUpperCase(), 403],
    ['mine-too', 200],
    ['a-name-of-nothing', 200],
  ]
  for (const [alias, status] of cases) {
    for (const target of [{ resource_id: 'mine' }, { resource: { package_id: 'p' } }]) {
      test(`${JSON.stringify(target)}: ${alias} ${status}`, async () => {
        const { provider, questions } = portal()
        Object.assign(provider, { createResource: async () => ({ id: 'mine' }) })
        const { ask, engine } = await testDatastore({ auth: provider })
        const response = await ask(call('datastore_create', { ...target, aliases: ['fine', alias] }), known)
        expect([response.status, await response.text()]).toEqual([status, expect.stringContaining('')])
        expect(questions.at(-1)).toMatchObject({ permission: 'update', resourceId: alias })
        expect(engine.calls.includes('create')).toBe(status === 200)
      })
    }
  }

  test('one that the table has is not asked about again', async () => {
    const { provider, questions } = spyingProvider()
    const { ask } = await testDatastore({ auth: provider })
    await ask(call('datastore_create', { resource_id: 'trees', aliases: ['forest', 'wood'] }), known)
    expect(questions.map(({ resourceId }) => resourceId)).toEqual(['trees', 'wood'])
  })

  test('a hundred are enough', async () => {
    const { provider, questions } = spyingProvider()
    const { ask } = await testDatastore({ auth: provider })
    const aliases = Array.from({ length: 101 }, (_, index) => `a${index}`)
    expect((await ask(call('datastore_create', { resource_id: 'trees', aliases }), known)).status).toBe(409)
    expect(questions).toHaveLength(1)
  })

  test('a token that reaches some resources only gives no other names', async () => {
    const env = { JWT_SECRET: 'x'.repeat(32) }
    const { SignJWT } = await import('jose')
    const token = await new SignJWT({ resources: ['trees*'] })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(env.JWT_SECRET))
    const { ask } = await testDatastore({ auth: 'jwt', env })
    const statuses = ['parks', 'trees-of-paris'].map(async (alias) => {
      const line = call('datastore_create', { resource_id: 'trees', aliases: alias })
      return (await ask(line, { headers: { Authorization: token } })).status
    })
    expect(await Promise.all(statuses)).toEqual([403, 200])
  })
})
