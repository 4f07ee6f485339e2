import { describe, expect, test } from 'vitest'
import { describeContract, type Gaps } from '../suites/contract/describe.ts'
import { askOverHttp, type ClientOptions, fetchOverHttp } from './http-client.ts'

const ROWS = 60_000

/**
 * What holds wherever a datastore runs: the contract's short form, and what its carrier must not spoil.
 *
 * @param base - Where the datastore's routes begin, once the server runs.
 * @param gaps - Cases of the contract that its engine can't pass, each with the reason.
 * @param loads - Whether its engine takes files; without that the table of this suite is made by a call.
 * @param compresses - Whether answers are compressed by the datastore, and not by what carries them.
 */
export function describeHttp(
  base: () => string,
  options: () => ClientOptions = () => ({}),
  { gaps = {}, loads = true, compresses = true }: { gaps?: Gaps; loads?: boolean; compresses?: boolean } = {},
): void {
  const fetch = (request: Request) => fetchOverHttp(base(), options())(request)
  const open = async (settings: object) => (Object.keys(settings).length > 0 ? undefined : fetch)
  describeContract({ open, smoke: true, gaps })

  describe('over HTTP', () => {
    const ask = (method: string, path: string, { body, ...headers }: Record<string, string> = {}) => {
      const bytes = body === undefined ? undefined : new TextEncoder().encode(body)
      return askOverHttp(new URL(base() + path), { method, headers, body: bytes }, options())
    }
    const html = { method: 'GET', headers: { Accept: 'text/html' } }
    const records = () =>
      JSON.stringify({
        resource_id: 'carried',
        records: Array.from({ length: ROWS }, (_, n) => ({ n, text: `größe ${n}` })),
      })
    const csv = () => `n,text\n${Array.from({ length: ROWS }, (_, row) => `${row},"größe ${row}"`).join('\n')}\n`

    test('a file goes in and comes out, whole', async () => {
      const loaded = loads
        ? await ask('POST', '/datastore/load/carried?format=csv', { body: csv() })
        : await ask('POST', '/api/3/action/datastore_create', { body: records(), 'Content-Type': 'application/json' })
      expect(await loaded.json()).toMatchObject({
        success: true,
        ...(loads && { result: { rows: ROWS, total: ROWS } }),
      })
      const dumped = await (await ask('GET', '/datastore/dump/carried')).text()
      expect(dumped.split('\n')).toHaveLength(ROWS + 2)
      expect(dumped).toContain(`${ROWS},${ROWS - 1},größe ${ROWS - 1}\n`)
    })

    test('HEAD has the headers of GET and no body', async () => {
      const response = await ask('HEAD', '/datastore/dump/carried')
      expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8')
      expect((await response.arrayBuffer()).byteLength).toBe(0)
    })

    test('answers are compressed for those who take it, and not twice', async () => {
      const response = await ask('GET', '/api/3/action/datastore_search?resource_id=carried&limit=1000', {
        'Accept-Encoding': 'gzip',
      })
      expect(response.headers.get('content-encoding')).toBe(compresses ? 'gzip' : null)
      const stream = compresses ? response.body?.pipeThrough(new DecompressionStream('gzip')) : response.body
      expect(await new Response(stream).json()).toMatchObject({ result: { total: ROWS } })
    })

    test('304 for a client that has the answer', async () => {
      const path = '/api/3/action/datastore_search?resource_id=carried&limit=1'
      const { headers } = await ask('GET', path)
      const response = await ask('GET', path, { 'If-None-Match': headers.get('etag') ?? '' })
      expect(response.status).toBe(304)
    })

    for (const [path, place] of [
      ['', 'its address'],
      ['/', 'its address with a slash'],
    ] as const)
      test(`a browser gets the explorer at ${place}, and its files are where it says`, async () => {
        let answer = await ask('GET', path, { Accept: 'text/html' })
        const location = answer.status === 308 ? answer.headers.get('location') : null
        if (location) answer = await askOverHttp(new URL(location, base()), html, options())
        const page = await answer.text()
        const file = /<script type="module" src="([^"]+)"/.exec(page)?.[1]
        const script = await askOverHttp(new URL(file ?? 'none', base()), { method: 'GET', headers: {} }, options())
        expect([file === undefined ? page : '', script.status, script.headers.get('content-type')]).toEqual([
          '',
          200,
          'text/javascript; charset=utf-8',
        ])
      })

    test('an id in the path is decoded once', async () => {
      const body = JSON.stringify({ resource_id: 'a b%2f', records: [{ n: 1 }] })
      await ask('POST', '/api/3/action/datastore_create', { body, 'Content-Type': 'application/json' })
      const response = await ask('GET', `/datastore/dump/${encodeURIComponent('a b%2f')}?fields=n`)
      expect([response.status, await response.text()]).toEqual([200, 'n\r\n1\n'])
    })

    test('a body that is too large is refused, and the server goes on', async () => {
      const body = `{"resource_id": "x", "records": [{"a": "${'x'.repeat(51 * 1024 * 1024)}"}]}`
      const refused = await ask('POST', '/api/3/action/datastore_create', { body }).then(
        ({ status }) => status,
        // The server may close the connection before the client has sent all.
        () => 413,
      )
      expect(refused).toBe(413)
      expect((await ask('GET', '/health')).status).toBe(200)
    })

    test('nothing at an address is a 404 with an envelope', async () => {
      const response = await ask('GET', '/nothing')
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ success: false, error: { __type: 'Not Found Error' } })
    })
  })
}
