import { describe, expect, test, vi } from 'vitest'
import { operations } from '../../src/api/routes.ts'
import { NotAuthorized } from '../../src/core/errors.ts'
import { spyingProvider, testDatastore } from '../fixtures/datastore.ts'
import { expectError } from '../fixtures/envelope.ts'

/** A call of every operation that a well-meaning caller could make. */
const calls: Record<string, string> = {
  datastore_create:
    'POST /api/3/action/datastore_create {"resource_id": "trees", "fields": [{"id": "age", "type": "int"}]}',
  datastore_upsert: 'POST /api/3/action/datastore_upsert {"resource_id": "trees", "records": []}',
  datastore_delete: 'POST /api/3/action/datastore_delete {"resource_id": "trees"}',
  datastore_records_delete: 'POST /api/3/action/datastore_records_delete {"resource_id": "trees", "filters": {}}',
  datastore_search: 'GET /api/3/action/datastore_search?resource_id=trees',
  datastore_search_sql: `GET /api/3/action/datastore_search_sql?sql=${encodeURIComponent('SELECT * FROM "trees"')}`,
  datastore_info: 'GET /api/3/action/datastore_info?id=trees',
  dump: 'GET /datastore/dump/trees',
  load: 'POST /datastore/load/trees?format=ndjson {"age": 1}',
  load_rejected: 'GET /datastore/load/trees/rejected/a-file',
  dump_query: `GET /datastore/dump/query?sql=${encodeURIComponent('SELECT * FROM "trees"')}`,
}

/** Operations on nothing that belongs to anybody; a new one must be added here on purpose. */
const free =
  /^(root|openapi|docs|site_file|health|ready|metrics|api_version|help_show|datastore_(run_triggers|function_\w+|sequence_\w+))$/

/** What may be asked of an engine before the caller is known to be permitted. */
const harmless = ['describe', 'inspectSql']

const denied = { headers: { Authorization: 'a-token' } }

describe('§3.1 every operation passes through the boundary policy', () => {
  for (const operation of operations) {
    if (free.test(operation.name)) {
      test(`${operation.name} touches nothing`, async () => {
        const { provider, questions } = spyingProvider()
        const { ask, engine } = await testDatastore({ auth: provider })
        const line = operation.paths
          ? `GET ${operation.paths[0]}`
          : `POST /api/3/action/${operation.name} {"name": "help_show"}`
        await (await ask(line)).text()
        expect(engine.calls.filter((name) => name !== 'healthcheck')).toEqual([])
        expect(questions).toEqual([])
      })
      continue
    }

    test(`${operation.name} asks for "${operation.permission}"`, async () => {
      const { provider, questions } = spyingProvider()
      const { ask } = await testDatastore({ auth: provider })
      const response = await ask(calls[operation.name] ?? '', denied)
      expect([operation.name, response.status, await response.text()]).toEqual([
        operation.name,
        // The fake engine loads no files; that is after the question.
        operation.name === 'load' ? 501 : 200,
        expect.any(String),
      ])
      expect(questions).toMatchObject([
        { permission: operation.permission, resourceId: 'trees', credential: 'a-token' },
      ])
    })

    test(`${operation.name} does nothing when that is denied`, async () => {
      const { provider, questions } = spyingProvider(() => {
        throw new NotAuthorized('no')
      })
      const { ask, engine } = await testDatastore({ auth: provider })
      const response = await ask(calls[operation.name] ?? '', denied)
      if (operation.hidesDenial) await expectError(response, 404, 'Not Found Error')
      else await expectError(response, 403, 'Authorization Error')
      expect(questions).toHaveLength(1)
      expect(engine.calls.filter((name) => !harmless.includes(name))).toEqual([])
    })
  }

  test('a denied dump looks like a missing one', async () => {
    const { provider } = spyingProvider(() => {
      throw new NotAuthorized('no')
    })
    const { ask } = await testDatastore({ auth: provider })
    const texts = ['trees', 'forest', 'nothing'].map(async (id) => {
      const error = await expectError(await ask(`GET /datastore/dump/${id}`), 404, 'Not Found Error')
      return JSON.stringify(error).replace(id, 'X')
    })
    expect(new Set(await Promise.all(texts)).size).toBe(1)
  })
})

describe('§3.1 the order of checks', () => {
  const denying = () =>
    spyingProvider(() => {
      throw new NotAuthorized('no')
    })

  test('writes: parameters, then permission, then the table', async () => {
    const { provider, questions } = denying()
    const { ask } = await testDatastore({ auth: provider })
    await expectError(
      await ask('POST /api/3/action/datastore_upsert {"resource_id": "nothing", "method": "x"}', denied),
      409,
      'Validation Error',
    )
    expect(questions).toEqual([])
    await expectError(
      await ask('POST /api/3/action/datastore_upsert {"resource_id": "nothing"}', denied),
      403,
      'Authorization Error',
    )
    const open = await testDatastore()
    await expectError(
      await open.ask('POST /api/3/action/datastore_upsert {"resource_id": "nothing"}'),
      404,
      'Not Found Error',
    )
  })

  test('search: the table, then permission', async () => {
    const { provider, questions } = denying()
    const { ask } = await testDatastore({ auth: provider })
    await expectError(await ask('GET /api/3/action/datastore_search?id=nothing'), 404, 'Not Found Error', {
      message: 'Not found: Resource "nothing" was not found.',
    })
    expect(questions).toEqual([])
    await expectError(await ask('GET /api/3/action/datastore_search?id=trees'), 403, 'Authorization Error')
  })

  test('§7.2 an alias is swapped for the real id before permission is asked', async () => {
    const { provider, questions } = spyingProvider()
    const { ask } = await testDatastore({ auth: provider })
    await ask('GET /api/3/action/datastore_search?id=forest')
    await ask('GET /api/3/action/datastore_search_sql?sql=SELECT+*+FROM+forest')
    expect(questions.map(({ resourceId }) => resourceId)).toEqual(['trees', 'trees'])
  })

  test('§7.2 writes know no alias', async () => {
    const { ask } = await testDatastore()
    await expectError(
      await ask('POST /api/3/action/datastore_upsert {"resource_id": "forest"}'),
      404,
      'Not Found Error',
    )
  })

  test('§8.7 info words a missing table its own way', async () => {
    const { ask } = await testDatastore()
    await expectError(await ask('GET /api/3/action/datastore_info?id=nothing'), 404, 'Not Found Error', {
      message: 'Not found: Resource/Alias "nothing" was not found.',
    })
  })

  test('§8.6 SQL says only that some table may not be read', async () => {
    const { provider } = denying()
    const { ask } = await testDatastore({ auth: provider })
    await expectError(await ask(calls.datastore_search_sql ?? ''), 403, 'Authorization Error', {
      message: 'Access denied: Not authorized to read resource.',
    })
  })
})

describe('§3.1 who asks', () => {
  const UPSERT = 'POST /api/3/action/datastore_upsert {"resource_id": "trees", "records": []}'

  test('a write without a credential is refused before the provider is asked', async () => {
    const { provider, questions } = spyingProvider()
    const { ask } = await testDatastore({ auth: provider })
    await expectError(await ask(UPSERT), 403, 'Authorization Error', {
      message: 'Access denied: Action datastore_upsert requires an authenticated user',
    })
    expect(questions).toEqual([])
  })

  test('and before its body is read, if there is anything in it', async () => {
    const { provider } = spyingProvider()
    const { ask } = await testDatastore({ auth: provider })
    for (const path of ['/api/3/action/datastore_upsert', '/api/3/action/datastore_create', '/datastore/load/trees']) {
      const pull = vi.fn()
      const body = new ReadableStream({ pull }, { highWaterMark: 0 })
      const init = { body, duplex: 'half', headers: { 'Content-Type': 'application/json' } } as RequestInit
      await expectError(await ask(`POST ${path}`, init), 403, 'Authorization Error')
      expect(pull).not.toHaveBeenCalled()
    }
  })

  test('but the provider decides on a read', async () => {
    const { provider, questions } = spyingProvider()
    const { ask } = await testDatastore({ auth: provider })
    expect((await ask('GET /api/3/action/datastore_search?id=trees')).status).toBe(200)
    expect(questions).toMatchObject([{ credential: undefined }])
  })

  test('a host may know the caller', async () => {
    const { provider, questions } = spyingProvider()
    const { ask } = await testDatastore({ auth: provider })
    expect((await ask(UPSERT, { caller: { identity: { name: 'ada' } } })).status).toBe(200)
    expect(questions).toMatchObject([{ identity: { name: 'ada' }, credential: undefined }])
  })

  test('§10.2 row 50 nobody needs a credential where nobody decides', async () => {
    const { ask } = await testDatastore()
    expect((await ask(UPSERT)).status).toBe(200)
  })

  const headers: [Record<string, string>, string][] = [
    [{ Authorization: 'abc' }, 'abc'],
    [{ Authorization: 'Bearer abc' }, 'abc'],
    [{ 'X-CKAN-API-Key': 'abc' }, 'abc'],
    [{ 'X-Portal-Token': 'bearer abc', Authorization: 'Basic xyz' }, 'abc'],
  ]
  for (const [sent, credential] of headers) {
    test(`credential in ${JSON.stringify(sent)}`, async () => {
      const { provider, questions } = spyingProvider()
      const { ask } = await testDatastore({ auth: provider, env: { API_TOKEN_HEADER: 'X-Portal-Token' } })
      await ask(UPSERT, { headers: sent })
      expect(questions).toMatchObject([{ credential }])
    })
  }

  test('§1.3 a callback drops who asks, even on POST', async () => {
    const { provider, questions } = spyingProvider()
    const { ask } = await testDatastore({ auth: provider })
    const known = { ...denied, caller: { identity: { name: 'ada' } } }
    await ask('GET /api/3/action/datastore_search?id=trees&callback=f', known)
    await ask('POST /api/3/action/datastore_search {"id": "trees", "callback": "f"}', known)
    expect(questions).toMatchObject([
      { credential: undefined, identity: undefined },
      { credential: undefined, identity: undefined },
    ])
    const writes = [
      'POST /api/3/action/datastore_upsert {"resource_id": "trees", "callback": "f"}',
      'POST /api/3/action/datastore_upsert?callback=f {"resource_id": "trees"}',
      'POST /datastore/load/trees?format=ndjson&callback=f {"age": 1}',
    ]
    for (const write of writes) await expectError(await ask(write, known), 403, 'Authorization Error')
    expect(questions).toHaveLength(2)
  })

  test('an embedded datastore without a provider refuses everything, and says what to do', async () => {
    const { ask, engine } = await testDatastore({ auth: undefined })
    for (const line of Object.values(calls)) {
      const error = await expectError(await ask(line, denied), 403, 'Authorization Error')
      expect(error.message).toMatch(/pass `auth` to createDatastore, or set CKAN_URL/)
    }
    expect(engine.calls).toEqual([])
  })
})

describe('§3.2 read-only guard', () => {
  const guarded = (urlType: unknown) =>
    spyingProvider(() => ({ resource: { id: 'trees', url_type: urlType as string } })).provider
  const call = (force?: boolean) =>
    `POST /api/3/action/datastore_upsert ${JSON.stringify({ resource_id: 'trees', records: [], force })}`

  test('refuses to write what comes from elsewhere', async () => {
    const { ask, engine } = await testDatastore({ auth: guarded('upload') })
    const error = await expectError(await ask(call(), denied), 409, 'Validation Error')
    expect(error['read-only']).toEqual([
      expect.stringMatching(/^Cannot edit read-only resource because .* use "force=True" to ignore this warning\.$/),
    ])
    expect(engine.calls).toEqual([])
  })
  test('unless forced', async () =>
    expect((await (await testDatastore({ auth: guarded('upload') })).ask(call(true), denied)).status).toBe(200))
  test('lets the rest through', async () =>
    expect((await (await testDatastore({ auth: guarded('datastore') })).ask(call(), denied)).status).toBe(200))
})

describe('§8.1 datastore_create with a new resource', () => {
  const CALL =
    'POST /api/3/action/datastore_create {"resource": {"package_id": "p1"}, "fields": [{"id": "a", "type": "text"}]}'

  test('asks about the package, makes the resource, and tells the catalogue', async () => {
    const { provider, questions } = spyingProvider()
    const told: unknown[] = []
    Object.assign(provider, {
      createResource: async () => ({ id: 'new', package_id: 'p1' }),
      tableChanged: async (change: unknown) => {
        told.push(change)
        return ['CKAN was slow']
      },
    })
    const { ask } = await testDatastore({ auth: provider })
    const body = (await (await ask(CALL, denied)).json()) as { result: unknown; warnings: string[] }
    expect(questions).toMatchObject([{ permission: 'create', packageId: 'p1' }])
    expect(questions[0]).not.toHaveProperty('resourceId')
    expect(body.result).toMatchObject({ resource_id: 'new', package_id: 'p1' })
    expect(body.warnings).toContain('CKAN was slow')
    expect(told).toMatchObject([{ kind: 'created', resourceId: 'new', credential: 'a-token', resource: { id: 'new' } }])
  })

  test('takes the resource back when the table fails', async () => {
    const deleted: string[] = []
    const { provider } = spyingProvider()
    Object.assign(provider, {
      createResource: async () => ({ id: 'new' }),
      deleteResource: async (id: string) => void deleted.push(id),
    })
    const failing = { create: async () => Promise.reject(new Error('disk')) }
    const { ask } = await testDatastore({ auth: provider, engine: failing })
    await expectError(await ask(CALL, denied), 500, 'Internal Server Error')
    expect(deleted).toEqual(['new'])
  })

  test('with an id is refused: it would overwrite the resource that has it', async () => {
    const { provider } = spyingProvider()
    const asked: string[] = []
    Object.assign(provider, {
      createResource: async () => asked.push('create') && { id: 'trees' },
      deleteResource: async () => asked.push('delete'),
    })
    const { ask, engine } = await testDatastore({ auth: provider })
    await expectError(await ask(CALL.replace('"p1"', '"p1", "id": "trees"'), denied), 409, 'Validation Error', {
      resource: [expect.stringMatching(/resource_id/)],
    })
    expect([asked, engine.calls]).toEqual([[], []])
  })

  test('who hangs up while it is made does not leave it behind', async () => {
    const { provider } = spyingProvider()
    const hangUp = new AbortController()
    const deleted: string[] = []
    Object.assign(provider, {
      createResource: async (_: unknown, { signal }: { signal?: AbortSignal }) => {
        hangUp.abort()
        signal?.throwIfAborted()
        return { id: 'new' }
      },
      deleteResource: async (id: string) => void deleted.push(id),
    })
    const { ask, engine } = await testDatastore({ auth: provider })
    expect((await ask(CALL, { ...denied, signal: hangUp.signal })).status).toBe(499)
    expect([deleted, engine.calls]).toEqual([['new'], []])
  })

  test('needs a catalogue', async () => {
    const { ask } = await testDatastore()
    await expectError(await ask(CALL), 409, 'Validation Error', { resource: [expect.stringMatching(/no catalogue/)] })
  })
})
