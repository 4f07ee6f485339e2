import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import { pathTemplate } from '../../src/api/operation.ts'
import { operations } from '../../src/api/routes.ts'
import { queryPairs, readExamples } from '../../src/build/openapi/examples.ts'
import { spyingProvider, testDatastore } from '../fixtures/datastore.ts'
import { assertValidAnswer } from '../fixtures/valid-answer.ts'
import { root } from '../suites/source-tree.ts'

// biome-ignore lint/suspicious/noExplicitAny: a document is read better without casts
type Document = any

const read = (path: string): Document => JSON.parse(readFileSync(join(root, path), 'utf8'))
const document = read('openapi.json')
const examples = readExamples(root)
const described = operations.filter(({ internal }) => !internal)

describe('openapi.json', () => {
  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(structuredClone(document))
    expect([valid, errors]).toEqual([true, undefined])
    expect(validator.version).toBe('3.1')
  })

  test('points only at what is there', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path)
    const missing = refs.filter((ref) => ref.split('/').reduce((at, key) => at?.[key], document) === undefined)
    expect(refs.length).toBeGreaterThan(50)
    expect(missing).toEqual([])
  })

  test('says nothing that only this program understands', () => {
    expect(/"(coerce|blankIsAbsent|nullMistake|rules|unknown)":/.test(JSON.stringify(document))).toBe(false)
  })

  for (const operation of described) {
    test(`has ${operation.name}, with an example, error answers and who may call it`, () => {
      const methods: Document[] = Object.values(document.paths[pathTemplate(operation)])
      const shown = JSON.stringify(methods)
      for (const { name, summary } of examples.filter((example) => example.operation === operation.name)) {
        expect(shown, name).toContain(JSON.stringify(summary))
      }
      for (const { responses, security } of methods) {
        expect(Object.keys(responses)).toContain('500')
        expect(security !== undefined).toBe(operation.permission !== undefined)
      }
    })
  }

  test('names no operation twice', () => {
    const ids = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods as object).map(({ operationId }) => operationId),
    )
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('the answers in the examples are what their schemas say', () => {
  const wrapped = examples.filter(({ response }) => (response.body as Document)?.help !== undefined)
  for (const { operation, name, response } of wrapped) {
    const row = operations.find((item) => item.name === operation)
    if (row?.bare) continue
    test(`${operation}: ${name}`, () => assertValidAnswer(operation, response.status, response.body))
  }
})

describe('the Postman collection', () => {
  const collection = read('postman/collection.json')
  const leaves = (items: Document[]): Document[] => items.flatMap((item) => (item.item ? leaves(item.item) : [item]))
  const requests = leaves(collection.item)

  test('has a request for each example', () => {
    expect(requests.map(({ name }) => name).sort()).toEqual(examples.map(({ summary }) => summary).sort())
  })

  test('has the address and the token as variables', () => {
    expect(collection.variable.map(({ key }: { key: string }) => key)).toEqual(['baseUrl', 'token'])
    expect(requests.map(({ request }) => request.url.host)).toEqual(requests.map(() => ['{{baseUrl}}']))
    expect(JSON.stringify(collection.auth)).toContain('{{token}}')
  })

  test('sends what the examples send', () => {
    for (const { summary, request } of examples) {
      const sent = requests.filter(({ name }) => name === summary).map((item) => item.request)
      if (request.body !== undefined)
        expect(sent.map(({ body }) => JSON.parse(body.raw || 'null'))).toContainEqual(request.body)
      const pairs = sent.map(({ url }) => (url.query ?? []).map((pair: Document) => [pair.key, pair.value]))
      const given = queryPairs(request.query)
      expect(pairs.map((some) => some.sort())).toContainEqual(given.sort())
    }
  })
})

describe('/openapi.json', () => {
  const get = async (env: Record<string, string>) => {
    const { ask } = await testDatastore({ env, auth: spyingProvider().provider })
    const response = await ask(`GET ${env.BASE_PATH ?? ''}/openapi.json`)
    expect(response.status).toBe(200)
    return (await response.json()) as Document
  }

  test('is the document, with the address of the server', async () => {
    const { servers, paths, info } = await get({ SITE_URL: 'https://data.example.org', BASE_PATH: '/store' })
    expect(servers).toEqual([{ url: 'https://data.example.org/store' }])
    expect(Object.keys(paths)).toEqual(Object.keys(document.paths))
    expect(info.title).toBe('Datastore API')
  })

  test('follows the settings', async () => {
    const env = { SQL_SEARCH_ENABLED: 'false', API_TOKEN_HEADER: 'X-Token', SITE_TITLE: 'Our data' }
    const { paths, info, components } = await get(env)
    expect(Object.keys(paths).filter((path) => /sql|query/.test(path))).toEqual([])
    expect(info.title).toBe('Our data API')
    expect(components.securitySchemes.token.name).toBe('X-Token')
  })
})
