import { setTimeout as sleep } from 'node:timers/promises'
import { action, type Bench, bareP50, p50, type Target } from '../harness/bench.ts'
import { FREQUENT, MEDIUM, RARE } from '../harness/data.ts'
import { asJson } from './check.ts'

const { table } = MEDIUM
const WORDS = [
  { name: 'a word in 37 % of the rows', word: FREQUENT, ckan: { stored: 'wordFrequent', wanted: 4 } },
  { name: 'a word in 0.34 % of the rows', word: RARE, ckan: { stored: 'wordRare', wanted: 2 } },
]

const find = (word: string) => (target: Target) => [
  ...Array.from({ length: 5 }, (_, n) =>
    action('datastore_search', { resource_id: target.table(table), limit: 100 + n, q: word }),
  ),
]
/** What finding the word by reading every text costs: more than an index, and never stale. */
const scan = (word: string) => {
  const found = `FROM "${table}" WHERE contains(lower(note), '${word}') OR contains(lower(cat), '${word}')`
  return [asJson(`SELECT * ${found} ORDER BY _id LIMIT 100`), `SELECT count(*) ${found}`]
}

/** `q`: one word, with the full-text index whole, and while it is being built. */
export default async function text(bench: Bench): Promise<void> {
  const client = bench.client()
  const [server, bare] = [await bench.serve(), await bench.bare()]
  for (const { name, word, ckan } of WORDS) {
    await sameTotal(server, word, await bare.call('value', scan(word)[1] as string))
    await bench.compare(server, {
      work: `q, ${name}: p50`,
      unit: 'ms',
      ours: p50(client, find(word)),
      limit: {
        of: 'reading every text, page and count',
        measure: async () => 2 * (await bareP50(bare, scan(word))()),
      },
      ckan,
    })
  }
  await bench.clear()

  const again = bench.client()
  for (const { name, word, ckan } of WORDS) {
    // Just after a load: the index is begun when the server starts.
    const fresh = await bench.serve({}, 'fresh')
    await sleep(1500)
    const times: number[] = []
    while (times.length < 10) times.push(await p50(again, find(word))(fresh))
    bench.add({
      work: `q, ${name}, while the index is built: p50`,
      unit: 'ms',
      ours: times.sort((a, b) => a - b)[5],
      ...(await bench.stored(ckan)),
      note: 'in the seconds after a start on a table of 1,000,000 rows that has no index yet',
    })
    await fresh.stop()
  }
}

async function sameTotal(
  server: Target & { act(name: string, body: unknown): Promise<Record<string, unknown>> },
  word: string,
  expected: string,
) {
  const { total } = await server.act('datastore_search', { resource_id: table, limit: 1, q: word })
  if (String(total) !== expected) throw new Error(`"${word}" is found ${total} times instead of ${expected}`)
}
