import type { Bench } from '../harness/bench.ts'

const LOAD = { connections: 16, seconds: 3, asks: [{ method: 'GET', path: '/health' }] } as const

/** `/health`, beside Node answering as many bytes over the same bridge. */
export default async function health(bench: Bench): Promise<void> {
  const [server, plain, client] = [await bench.serve({}, 'empty'), bench.plain(), bench.client()]
  const [first] = await client.call('inTurn', { url: server.url, asks: LOAD.asks })
  const url = await plain.call('listen', { kind: 'bridge', bytes: first?.bytes ?? 0 })
  const rate = async (of: string) => (await client.call('atOnce', { ...LOAD, url: of })).perSecond
  await bench.compare(server, {
    work: '/health, 16 connections',
    unit: 'req/s',
    ours: (target) => rate(target.url),
    limit: { of: 'node:http with the same bridge', measure: () => rate(url) },
    wanted: { atLeast: 0.7 },
  })
}
