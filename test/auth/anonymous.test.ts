import { expect, test } from 'vitest'
import createProvider from '../../src/auth/anonymous/index.ts'
import type { Question } from '../../src/auth/provider.ts'
import { loadProvider } from '../../src/auth/registry.ts'
import { providerContext } from '../fixtures/provider-context.ts'

const questions: Question[] = [
  { permission: 'read', resourceId: 'trees' },
  { permission: 'create', packageId: 'a-dataset' },
  { permission: 'update', resourceId: 'trees', credential: 'anything' },
  { permission: 'delete', resourceId: 'trees' },
]

test.each(questions)('everybody may $permission', async (question) => {
  expect(await createProvider().authorize(question)).toEqual({})
})

test('it says so, keeps no catalogue, and is the only provider that is open', async () => {
  const env = { CKAN_URL: 'http://127.0.0.1:9', JWT_SECRET: 'a-secret-of-thirty-two-characters!' }
  const context = await providerContext(env)
  const open = []
  for (const name of ['anonymous', 'ckan', 'jwt']) {
    const provider = await loadProvider(name, context)
    expect(provider.name).toBe(name)
    if (provider.open) open.push(name)
    if (name !== 'ckan') expect(provider.createResource).toBeUndefined()
  }
  expect(open).toEqual(['anonymous'])
})
