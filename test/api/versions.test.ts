import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NotAuthorized } from '../../src/core/errors.ts'
import { spyingProvider } from '../fixtures/datastore.ts'
import { expectError } from '../fixtures/envelope.ts'
import { type LoadTarget, openTarget } from '../load/open.ts'

/** What of a request for another version is wrong, before any engine is asked for it. */
describe('versions on an engine that keeps none', () => {
  let target: LoadTarget
  const { provider } = spyingProvider(({ resourceId, permission }) => {
    if (resourceId === 'secret' && permission === 'read') throw new NotAuthorized('no')
    return {}
  })
  const make = (id: string) =>
    target.ask('/api/3/action/datastore_create', {
      method: 'POST',
      headers: { Authorization: 'x', 'Content-Type': 'application/json' },
      body: JSON.stringify({ resource_id: id, records: [{ k: 1 }], aliases: `${id}-alias` }),
    })
  beforeAll(async () => {
    target = await openTarget({}, provider)
    for (const id of ['open', 'secret']) expect((await make(id)).status).toBe(200)
  })
  afterAll(() => target.close())

  const search = '/api/3/action/datastore_search?resource_id='
  const cases: [path: string, status: number, type: string, detail?: object][] = [
    [`${search}open&revision=1`, 501, 'Not Implemented'],
    [`${search}open-alias&as_of=2026-01-01`, 501, 'Not Implemented'],
    ['/datastore/dump/open?revision=1', 501, 'Not Implemented'],
    ['/datastore/dump/open.tsv?as_of=2026-01-01T10:00:00Z', 501, 'Not Implemented'],
    [`${search}open&revision=1&as_of=2026-01-01`, 409, 'Validation Error', { as_of: [expect.any(String)] }],
    ['/datastore/dump/open?revision=1&as_of=2026-01-01', 409, 'Validation Error', { as_of: [expect.any(String)] }],
    [`${search}open&revision=first`, 409, 'Validation Error', { revision: expect.any(Array) }],
    [`${search}open&as_of=yesterday`, 409, 'Validation Error', { as_of: [expect.any(String)] }],
    [`${search}_table_metadata&revision=1`, 409, 'Validation Error', { revision: [expect.any(String)] }],
    [`${search}_table_metadata&as_of=2026-01-01`, 409, 'Validation Error', { as_of: [expect.any(String)] }],
    [`${search}nothing&revision=1`, 404, 'Not Found Error'],
    // Whether there is an older version is nobody's business who may not read the table.
    [`${search}secret&revision=1`, 403, 'Authorization Error'],
    ['/datastore/dump/secret?revision=1', 404, 'Not Found Error'],
  ]
  test.each(cases)('GET %s: %i', async (path, status, type, detail = {}) => {
    const error = await expectError(await target.ask(path), status, type, detail as Record<string, unknown>)
    if (status === 501) expect(error.message).toMatch(/^The duckdb engine keeps no older revisions/)
  })

  test('datastore_info lists no revisions, and blank parameters ask for none', async () => {
    const info = await (await target.ask('/api/3/action/datastore_info?resource_id=open')).json()
    expect(info.result).not.toHaveProperty('revisions')
    for (const path of [`${search}open&revision=&as_of=`, '/datastore/dump/open?revision=&as_of='])
      expect((await target.ask(path)).status).toBe(200)
  })
})
