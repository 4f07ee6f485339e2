import { vi } from 'vitest'
import { tableOf } from '../../../src/infrastructure/engines/bigquery/names.ts'
import type { BigqueryServices } from '../../services/bigquery.ts'

/** Runs a statement that the engine knows nothing of, as dbt or somebody in Google's console would. */
export async function behind(services: BigqueryServices, query: string): Promise<unknown[][]> {
  const { url, project, dataset: datasetId } = services
  const response = await fetch(`${url}/bigquery/v2/projects/${project}/queries`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer someone' },
    body: JSON.stringify({ query, useLegacySql: false, defaultDataset: { projectId: project, datasetId } }),
  })
  const { rows = [], ...body } = (await response.json()) as { rows?: { f: { v: unknown }[] }[] }
  if (!response.ok) throw new Error(JSON.stringify(body))
  return rows.map(({ f }) => f.map(({ v }) => v))
}

/** Time passes for the engine and for the times of change, at once. Needs `vi.useFakeTimers({ toFake: ['Date'] })`. */
export function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000)
}

/** What the engine has asked since this was last called: `get` for each `tables.get` of the table, `job` for each statement. */
export function asked({ bigquery }: BigqueryServices, id: string): string[] {
  const requests = bigquery.requests.splice(0)
  return requests.flatMap(({ method, path }) => {
    if (method === 'GET' && path.includes(`/tables/${encodeURIComponent(tableOf(id))}`)) return ['get']
    return method === 'POST' ? ['job'] : []
  })
}
