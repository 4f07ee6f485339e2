import type { BareTasks } from './bare-process.ts'
import type { Target } from './bench.ts'
import { fields, KEY, MEDIUM, recordsSql, SMALL } from './data.ts'
import type { Prepared } from './prepare.ts'
import { Worker } from './worker.ts'

const BATCH = 10_000

/**
 * The same tables on a real CKAN, in a dataset of their own that `close` takes away. Undefined when no CKAN is named:
 * `BENCH_CKAN_URL`, and in `BENCH_CKAN_TOKEN` the token of somebody who may make datasets.
 */
export async function openCkan(
  env: NodeJS.Dict<string>,
  { sizes }: Prepared,
  say: (text: string) => void,
): Promise<{ target: Target; close(): Promise<void> } | undefined> {
  const { BENCH_CKAN_URL: url, BENCH_CKAN_TOKEN: token } = env
  if (!url || !token) return undefined
  const headers = { Authorization: token }
  const act = async (name: string, body: string): Promise<Record<string, unknown>> => {
    const response = await fetch(`${url}/api/3/action/${name}`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body,
    })
    const { result, error } = (await response.json()) as { result: Record<string, unknown>; error?: unknown }
    if (!response.ok) throw new Error(`CKAN's ${name}: ${response.status} ${JSON.stringify(error)}`)
    return result
  }
  const organizations = await act('organization_list_for_user', '{"permission": "create_dataset"}')
  const owner = (organizations as unknown as { id: string }[])[0]?.id
  const dataset = await act('package_create', JSON.stringify({ name: `bench-${Date.now()}`, owner_org: owner }))
  const generator = Worker.start<BareTasks>('./bare-process.ts')
  await generator.call('open', { path: ':memory:' })
  const ids = new Map<string, string>()
  for (const { table, rows } of sizes.filter(({ rows }) => rows <= Math.max(SMALL.rows, MEDIUM.rows))) {
    say(`loading ${rows.toLocaleString('en')} rows into CKAN`)
    const made = await act(
      'datastore_create',
      JSON.stringify({ resource: { package_id: dataset.id }, fields, primary_key: KEY }),
    )
    ids.set(table, String(made.resource_id))
    for (let first = 1; first <= rows; first += BATCH) {
      const records = await generator.call('value', recordsSql(first, first + BATCH - 1))
      await act(
        'datastore_upsert',
        `{"resource_id": "${made.resource_id}", "method": "insert", "force": true, "records": ${records}}`,
      )
    }
  }
  await generator.stop()
  return {
    target: { url, headers, table: (name) => ids.get(name) ?? name },
    close: async () => void (await act('dataset_purge', JSON.stringify({ id: dataset.id }))),
  }
}
