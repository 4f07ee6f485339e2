import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { listener, type Running, serve } from '../../adapters/node/serve.ts'
import { createLogger } from '../../src/core/log.ts'
import { createFakeEngine, type FakeEngine, streamOf } from '../fixtures/fake-engine.ts'

const opened: { close(graceMs?: number): Promise<void> }[] = []
afterEach(() => Promise.all(opened.splice(0).map((server) => server.close(0))))

async function start(engine: Partial<FakeEngine> = {}, env: Record<string, string> = {}): Promise<Running> {
  const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
  const running = await serve({ env: { PORT: '0', ...env }, engine: Object.assign(createFakeEngine(), engine), logger })
  opened.push(running)
  return running
}

/** What a socket gets until it is closed, and how that happens. */
function talk(url: string, text: string): Promise<{ text: string; end: 'closed' | 'reset' }> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url)
    let received = ''
    let end: 'closed' | 'reset' = 'closed'
    const socket = connect(Number(port), hostname, () => socket.write(text))
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.on('error', () => {
      end = 'reset'
    })
    socket.on('close', () => resolve({ text: received, end }))
  })
}

const DUMP = '/datastore/dump/trees?format=ndjson'

describe('a download that fails half-way', () => {
  const dump = async () => {
    const rows = Array.from({ length: 500 }, (_, row) => `{"_id":${row}}\n`)
    const failing = new TransformStream<Uint8Array, Uint8Array>({
      // libuv, which this client runs on, takes a reset for an end when it comes together with data.
      flush: () => new Promise((_resolve, reject) => setTimeout(() => reject(new Error('disk')), 50)),
    })
    return { kind: 'stream', stream: streamOf(rows).pipeThrough(failing) } as const
  }

  for (const version of ['1.1', '1.0']) {
    test(`resets the connection of an HTTP/${version} client`, async () => {
      const { url } = await start({ dump }, { AUTH_TYPE: 'anonymous' })
      const { text, end } = await talk(
        url,
        `GET ${DUMP} HTTP/${version}\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      )
      expect(end).toBe('reset')
      expect(text).not.toMatch(/\r\n0\r\n\r\n$|disk|Error/)
    })
  }

  test('makes fetch throw', async () => {
    const { url } = await start({ dump })
    const response = await fetch(url + DUMP)
    await expect(response.text()).rejects.toThrow()
  })

  test('does no harm to the next one', async () => {
    const { url } = await start({ dump })
    await fetch(url + DUMP).then((response) => response.text().catch(() => ''))
    expect((await fetch(`${url}/api/3/action/datastore_search?id=trees`)).status).toBe(200)
  })
})

describe('a client that hangs up', () => {
  test('stops a search that runs', async () => {
    let stopped: () => void
    const isStopped = new Promise<void>((resolve) => {
      stopped = resolve
    })
    const search: FakeEngine['search'] = (_plan, options) =>
      new Promise((_resolve, reject) => {
        options?.signal?.addEventListener('abort', () => {
          stopped()
          reject(options.signal?.reason)
        })
      })
    const { url } = await start({ search })
    const controller = new AbortController()
    const request = fetch(`${url}/api/3/action/datastore_search?id=trees`, { signal: controller.signal }).catch(
      () => 'gone',
    )
    setTimeout(() => controller.abort(), 50)
    expect(await request).toBe('gone')
    await isStopped
  })

  test('stops a download that streams', async () => {
    let stopped: () => void
    const isStopped = new Promise<void>((resolve) => {
      stopped = resolve
    })
    const line = new TextEncoder().encode('x'.repeat(100_000))
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(line),
      cancel: () => stopped(),
    })
    const { url } = await start({ dump: async () => ({ kind: 'stream', stream }) })
    const response = await fetch(url + DUMP)
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await isStopped
  })
})

describe('requests over a socket', () => {
  test('a body in chunks', async () => {
    const { url } = await start()
    const parts = ['{"resource_id": "tr', 'ees", "limit": 1}']
    const body = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')
    const head = 'Host: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked'
    const { text } = await talk(url, `POST /api/3/action/datastore_search HTTP/1.1\r\n${head}\r\n\r\n${body}0\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 200 [\s\S]*"species":"oak"/)
  })

  test('a body over the limit, in chunks', async () => {
    const { url } = await start({}, { MAX_REQUEST_BODY_MB: '1' })
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(256 * 1024).fill(0x20)),
    })
    const init = { method: 'POST', body, duplex: 'half', headers: { 'Content-Type': 'application/json' } }
    const outcome = await fetch(`${url}/api/3/action/datastore_upsert`, init as RequestInit).then(
      ({ status }) => status,
      () => 'cut',
    )
    expect([413, 'cut']).toContain(outcome)
  })

  // As Python's clients do: they read nothing before they have sent everything.
  const tokens = { AUTH_TYPE: 'jwt', JWT_SECRET: 's'.repeat(32) }
  const sentFirst: [what: string, line: string, status: number, env: Record<string, string>][] = [
    ['a body over the limit', 'POST /api/3/action/datastore_upsert', 413, { MAX_REQUEST_BODY_MB: '1' }],
    ['a file of somebody who may not load', 'POST /datastore/load/new?format=csv', 403, tokens],
  ]
  for (const [what, line, status, env] of sentFirst) {
    for (const framing of ['length', 'chunks']) {
      test(`${what}, in ${framing}: its client is told why, also when it sends everything before it reads`, async () => {
        const { url } = await start({}, env)
        const { hostname, port } = new URL(url)
        const socket = connect(Number(port), hostname).on('error', () => {})
        const [piece, pieces] = ['a\n'.repeat(0x80000), 32]
        const length = framing === 'length' ? `Content-Length: ${piece.length * pieces}` : 'Transfer-Encoding: chunked'
        const write = (text: string) =>
          new Promise<void>((resolve, reject) => socket.write(text, (error) => (error ? reject(error) : resolve())))
        await write(`${line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${length}\r\n\r\n`)
        for (let sent = 0; sent < pieces; sent += 1)
          await write(framing === 'length' ? piece : `${piece.length.toString(16)}\r\n${piece}\r\n`)
        if (framing === 'chunks') await write('0\r\n\r\n')
        let answer = ''
        for await (const chunk of socket.setEncoding('utf8')) answer += chunk
        expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*connection: close[\\s\\S]*}$`, 'i'))
      })
    }
  }

  test('headers over the limit: 431', async () => {
    const { url } = await start()
    const { text } = await talk(url, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 431 /)
  })

  test('a malformed Host', async () => {
    const { url } = await start()
    const { text } = await talk(url, 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('TRUST_PROXY by address sees the socket', async () => {
    const env = { TRUST_PROXY: '127.0.0.0/8', AUTH_TYPE: 'anonymous' }
    const { url } = await start({}, env)
    const body = await (await fetch(`${url}/health`, { headers: { 'X-Forwarded-Host': 'data.example.org' } })).json()
    expect(body).toMatchObject({ help: 'http://data.example.org/api/3/action/help_show?name=health' })
  })

  test('assumed anonymity is not for what speaks as proxies do, nor their HTTP/1.0', async () => {
    const { url } = await start()
    const get = (version: string) =>
      talk(
        url,
        `GET /api/3/action/datastore_info?id=trees HTTP/${version}\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      )
    expect((await get('1.0')).text).toMatch(/^HTTP\/1\.1 403 [\s\S]*came through a proxy/)
    expect((await get('1.1')).text).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('assumed anonymity is not for proxies', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/api/3/action/datastore_search?id=trees`, {
      headers: { 'X-Forwarded-For': '192.0.2.1' },
    })
    expect([response.status, await response.text()]).toEqual([
      403,
      expect.stringMatching(/came through a proxy\. Set CKAN_URL/),
    ])
  })
})

describe('a body that comes too slowly', () => {
  afterEach(() => vi.useRealTimers())

  const SEARCH = 'POST /api/3/action/datastore_search'
  const UPSERT = 'POST /api/3/action/datastore_upsert'
  const CHUNKED = 'Transfer-Encoding: chunked'
  const MULTIPART = `${CHUNKED}\r\nContent-Type: multipart/form-data; boundary=b`
  const cases: [what: string, line: string, header: string, body: string, seconds: number][] = [
    ['a read', SEARCH, 'Content-Length: 99', '{', 80],
    ['a read in chunks', SEARCH, CHUNKED, '1\r\n{\r\n', 80],
    ['a large read', SEARCH, 'Content-Length: 4000000', '{', 80],
    ['a write', UPSERT, 'Content-Length: 99', '{', 260],
    ['a write in chunks', UPSERT, CHUNKED, '1\r\n{\r\n', 260],
    ['a large write', UPSERT, 'Content-Length: 9000000', '{', 260],
    ['a load that stalls', 'POST /datastore/load/new?format=csv', CHUNKED, '2\r\na\n\r\n', 60],
    ['a load without a byte', 'POST /datastore/load/new?format=csv', CHUNKED, '', 60],
    ['the form before a file', 'POST /datastore/load/new', MULTIPART, '3\r\n--b\r\n', 60],
  ]

  for (const [what, line, header, body, seconds] of cases) {
    test(`${what}: 408 within ${seconds} seconds, and the connection is closed`, async () => {
      const wait = setTimeout
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
      const { url } = await start()
      const type = header.includes('Content-Type') ? '' : 'Content-Type: application/json\r\n'
      const answer = talk(url, `${line} HTTP/1.1\r\nHost: localhost\r\n${type}${header}\r\n\r\n${body}`)
      await new Promise((resolve) => wait(resolve, 100))
      await vi.advanceTimersByTimeAsync(seconds * 1000 + 10)
      vi.useRealTimers()
      const { text } = await answer
      expect(text).toMatch(/^HTTP\/1\.1 408 [\s\S]*connection: close[\s\S]*too slowly/i)
    })
  }
})

describe('the end', () => {
  test('running requests finish, new ones are not taken, the engine is closed', async () => {
    let release = () => {}
    const started = new Promise<void>((resolve) => {
      release = resolve
    })
    const closed: string[] = []
    const { url, close } = await start({
      healthcheck: async () => {
        release()
        await new Promise((resolve) => setTimeout(resolve, 100))
        closed.push('request')
      },
      close: async () => void closed.push('engine'),
    })
    const running = fetch(`${url}/ready`)
    await started
    await close()
    expect((await running).status).toBe(200)
    expect(closed).toEqual(['request', 'engine'])
    await expect(fetch(`${url}/health`)).rejects.toThrow()
  })

  test('does not wait for ever', async () => {
    const { url, close } = await start({ search: () => new Promise(() => {}) })
    const request = fetch(`${url}/api/3/action/datastore_search?id=trees`).catch(() => 'cut')
    await new Promise((resolve) => setTimeout(resolve, 50))
    await close(50)
    expect(await request).toBe('cut')
  })
})

describe('listener', () => {
  test('carries requests to any fetch', async () => {
    const server: Server = createServer(listener(async (request) => new Response(new URL(request.url).pathname)))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    opened.push({ close: async () => void server.close() })
    const { port } = server.address() as AddressInfo
    expect(await (await fetch(`http://127.0.0.1:${port}/here`)).text()).toBe('/here')
  })
})

describe('a start that fails', () => {
  test('on a port in use', async () => {
    const { url } = await start()
    const { port } = new URL(url)
    await expect(start({}, { PORT: port })).rejects.toThrow(
      `Port ${port} is in use by another program: stop it, or set PORT to another one`,
    )
  })
  test('on settings: a line for each mistake', async () => {
    await expect(start({}, { PORT: 'x', MAX_REQUEST_BODY_MB: '0' })).rejects.toThrow(
      /^PORT must be .*\nMAX_REQUEST_BODY_MB must be /,
    )
  })
})
