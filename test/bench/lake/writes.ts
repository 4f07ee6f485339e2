import type { LakeBench } from './lake-bench.ts'
import { expectOk } from './lake-bench.ts'

const TABLES = 16

/** Upserts of one record by clients that each wait for their answer. */
export async function writes(bench: LakeBench): Promise<void> {
  const [server] = await bench.serve(1)
  const act = (action: string, body: unknown) => expectOk((server as NonNullable<typeof server>).act(action, body))
  const fields = [{ id: 'k', type: 'int' }, { id: 'v', type: 'text' }] // biome-ignore format: short
  for (let table = 0; table < TABLES; table += 1)
    await act('datastore_create', { resource_id: `t${table}`, fields, primary_key: ['k'] })
  const upsert = (table: number) => (client: number, turn: number) =>
    act('datastore_upsert', {
      resource_id: `t${table < 0 ? client % TABLES : table}`,
      records: [{ k: client * 1000 + (turn % 100), v: `${turn}` }],
    })
  for (const clients of [1, 4, 16, 64])
    await bench.measure(`upserts, one table, ${clients} clients`, clients, upsert(0))
  for (const clients of [16, 64])
    await bench.measure(`upserts, ${TABLES} tables, ${clients} clients`, clients, upsert(-1))
}
