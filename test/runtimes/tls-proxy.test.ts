import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Running, serve } from '../../adapters/node/serve.ts'
import { createLogger } from '../../src/core/log.ts'
import { askOverHttp } from './http-client.ts'
import { describeHttp } from './http-suite.ts'
import { startTlsProxy, type TlsProxy } from './tls-proxy.ts'

describe('mounted under /data behind a proxy that ends TLS', () => {
  let folder: string
  let running: Running
  let proxy: TlsProxy
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'proxied-'))
    const env = { AUTH_TYPE: 'anonymous', PORT: '0', BASE_PATH: '/data', TRUST_PROXY: '1', DUCKDB_PATH: folder }
    running = await serve({ env, logger: createLogger({ logLevel: 'CRITICAL' }, () => {}) })
    proxy = await startTlsProxy(() => running.url)
  })
  afterAll(async () => {
    await proxy.close()
    await running.close(0)
    await rm(folder, { recursive: true, force: true })
  })

  describeHttp(
    () => `${proxy.url}/data`,
    () => proxy,
  )

  test('links lead through the proxy', async () => {
    const url = new URL('/data/api/3/action/help_show?name=datastore_info', proxy.url)
    const answer = await askOverHttp(url, { method: 'GET', headers: {} }, proxy)
    expect(await answer.json()).toMatchObject({ help: `${proxy.url}/data/api/3/action/help_show?name=help_show` })
  })

  test('there is nothing beside /data', async () => {
    expect((await askOverHttp(new URL('/health', proxy.url), { method: 'GET', headers: {} }, proxy)).status).toBe(404)
  })
})
