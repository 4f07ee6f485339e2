import { beforeEach, describe, expect, test } from 'vitest'
import type { Question } from '../../src/auth/provider.ts'
import { NotAuthorized } from '../../src/core/errors.ts'
import { spyingProvider, type TestDatastore, testDatastore } from '../fixtures/datastore.ts'

const OPEN = ['ash', 'elm', 'oak']
let listed: { id: string; aliases: string[] }[]
let datastore: TestDatastore

beforeEach(async () => {
  listed = OPEN.map((id) => ({ id, aliases: [`${id}-view`] }))
  const { provider } = spyingProvider(({ resourceId }: Question) => {
    if (!OPEN.includes(resourceId ?? '')) throw new NotAuthorized('no')
    return {}
  })
  datastore = await testDatastore({ auth: provider, engine: { list: async () => listed } })
})

async function search(params: object): Promise<{ total?: number; records: { name: string }[] }> {
  const body = JSON.stringify({ resource_id: '_table_metadata', ...params })
  const response = await datastore.ask(`POST /api/3/action/datastore_search ${body}`)
  return ((await response.json()) as { result: { records: { name: string }[] } }).result
}

/** Where among the names a private table may hide: each halving of a binary search is one of these. */
const filters: Record<string, object> = {
  none: {},
  'a name': { name: 'salaries' },
  'names from one on': { name: { gte: 'salaries' } },
  'names up to one': { name: { lt: 'salaries-z' } },
  'a range of names': { name: { gte: 'salaries', lte: 'salaries-z' } },
  'aliases of one': { alias_of: 'salaries' },
  'aliases of a range': { alias_of: { gte: 's', lt: 't' } },
  'some of both': { name: ['oak', 'salaries'] },
}
const pages = [{ limit: 0 }, { limit: 0, offset: 2 }, { limit: 1 }, { limit: 3 }, { limit: 6 }, { limit: 100 }]
const ways = [{}, { distinct: true, fields: ['alias_of'] }, { sort: 'name desc' }, { include_total: false }]

describe('no answer about the list of tables depends on those that the caller may not read', () => {
  test.each(Object.entries(filters))('%s', async (_, filter) => {
    const calls = pages.flatMap((page) => ways.map((way) => ({ filters: filter, ...page, ...way })))
    const ask = () => Promise.all(calls.map(search))
    const without = await ask()
    listed = [...listed, ...['salaries', 'salaries-2', 'a0'].map((id) => ({ id, aliases: [`${id}-x`, `${id}-y`] }))]
    expect(await ask()).toEqual(without)
  })
})

test('the total is known when the page has an end', async () => {
  expect(await search({ limit: 100 })).toMatchObject({ total: 6 })
  expect(await search({ limit: 2, offset: 5 })).toMatchObject({ total: 6 })
  expect(await search({ limit: 1, distinct: true, fields: ['alias_of'] })).toMatchObject({ total: 4 })
  expect(await search({ limit: 6 })).not.toHaveProperty('total')
  expect(await search({ limit: 0 })).not.toHaveProperty('total')
})

test('a long list is read in turns: no more at once than may listen to one signal', async () => {
  const ids = Array.from({ length: 100 }, (_, index) => `t${index}`)
  listed = ids.map((id) => ({ id, aliases: [] }))
  let running = 0
  let most = 0
  const { provider } = spyingProvider()
  const authorize = async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve, 1))
    running--
    return {}
  }
  datastore = await testDatastore({ auth: { ...provider, authorize }, engine: { list: async () => listed } })
  expect((await search({ limit: 100 })).records).toHaveLength(100)
  expect(most).toBeLessThanOrEqual(10)
})
