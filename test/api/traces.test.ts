import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatastore } from '../../src/app.ts'
import { createFakeEngine } from '../fixtures/fake-engine.ts'

interface OtlpSpan {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  status: { code?: number }
  attributes: { key: string; value: Record<string, unknown> }[]
}

/** A collector that takes OTLP over HTTP. */
let collector: Server
let url: string
let bodies: string[] = []
beforeAll(async () => {
  collector = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    bodies.push(`${request.url} ${body}`)
    response.setHeader('Content-Type', 'application/json').end('{}')
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
})
afterAll(() => collector.close())

async function spansOf(paths: string[], headers: Record<string, string> = {}): Promise<OtlpSpan[]> {
  bodies = []
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url, AUTH_TYPE: 'anonymous', LOG_LEVEL: 'CRITICAL' }
  const datastore = await createDatastore({ env, engine: createFakeEngine() })
  for (const path of paths) {
    await (await datastore.fetch(new Request(`http://localhost${path}`, { headers }))).text()
  }
  await datastore.close()
  expect(bodies.every((body) => body.startsWith('/v1/traces '))).toBe(true)
  return bodies.flatMap((body) => {
    const { resourceSpans } = JSON.parse(body.slice(body.indexOf(' ')))
    return resourceSpans.flatMap((resource: { scopeSpans: { spans: OtlpSpan[] }[] }) =>
      resource.scopeSpans.flatMap(({ spans }) => spans),
    )
  })
}

describe('traces', () => {
  test('a request, its parts, and the trace that it belongs to', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const spans = await spansOf(['/api/3/action/datastore_search?resource_id=trees&q=secret'], { traceparent })
    const root = spans.find(({ name }) => name === 'GET /api/3/action/datastore_search') as OtlpSpan
    expect(root).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c', parentSpanId: 'b7ad6b7169203331' })
    const parts = spans.filter(({ parentSpanId }) => parentSpanId === root.spanId)
    expect(parts.map(({ name }) => name)).toEqual(['read', 'authorize', 'run'])
    expect(root.attributes).toContainEqual({ key: 'http.response.status_code', value: { intValue: 200 } })
    expect(JSON.stringify(spans)).not.toMatch(/secret|trees/)
  })

  test('what is nowhere has no route; what the service itself spoils is an error', async () => {
    const [span] = await spansOf(['/secret'])
    expect(span).toMatchObject({ name: 'GET', status: {} })
  })

  test('a collector that is gone stops nothing', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', AUTH_TYPE: 'anonymous', LOG_LEVEL: 'CRITICAL' }
    const datastore = await createDatastore({ env, engine: createFakeEngine() })
    expect((await datastore.fetch(new Request('http://localhost/health'))).status).toBe(200)
    await datastore.close()
  })
})
