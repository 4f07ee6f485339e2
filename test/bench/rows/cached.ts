import { action, type Bench, type Target } from '../harness/bench.ts'
import { MEDIUM } from '../harness/data.ts'

const LOAD = { connections: 16, seconds: 3 }

/** One page that everybody asks for, from the result cache, beside Node answering as many bytes. */
export default async function cached(bench: Bench): Promise<void> {
  const [server, plain, client] = [await bench.serve({ QUERY_CACHE_MB: '64' }), bench.plain(), bench.client()]
  const page = (name: string) => action('datastore_search', { resource_id: name, limit: 100 })
  const [first] = await client.call('inTurn', { url: server.url, asks: [page(MEDIUM.table)] })
  const url = await plain.call('listen', { kind: 'bare', bytes: first?.bytes ?? 0 })
  const rate = async (requests: { url: string; headers?: Record<string, string> }, name: string) => {
    const { perSecond, errors } = await client.call('atOnce', { ...LOAD, ...requests, asks: [page(name)] })
    if (errors > 0) throw new Error(`${errors} requests failed`)
    return perSecond
  }
  await bench.compare(server, {
    work: 'the same page again, 16 connections',
    unit: 'req/s',
    ours: (target: Target) => rate({ url: target.url, headers: target.headers }, target.table(MEDIUM.table)),
    limit: { of: 'node:http with as many bytes', measure: () => rate({ url }, '') },
    wanted: { atLeast: 0.3 },
    ckan: { stored: 'pageRate', wanted: 50 },
  })
}
