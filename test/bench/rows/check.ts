import assert from 'node:assert/strict'
import type { BareTasks } from '../harness/bare-process.ts'
import type { Target } from '../harness/bench.ts'
import type { Ask } from '../harness/client-process.ts'
import type { Worker } from '../harness/worker.ts'

/** Times are written with a blank or a `T`, and with as many decimals as there are or with six. */
function plain(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d[ T]\d\d:/.test(value)) return value
  return value
    .replace('T', ' ')
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '')
}

/** Rows as JSON text, made alike whoever wrote them. */
export function rowsOf(json: string): Record<string, unknown>[] {
  const rows = JSON.parse(json) as Record<string, unknown>[]
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])))
}

/** Holds the records of an answer against the rows of a bare query: what is timed must be the same work. */
export async function sameRows(target: Target, ask: Ask, bare: Worker<BareTasks>, sql: string): Promise<void> {
  const response = await fetch(target.url + ask.path, {
    method: ask.method,
    headers: { 'Content-Type': 'application/json', ...target.headers },
    ...(ask.body !== undefined && { body: ask.body }),
  })
  const { result } = (await response.json()) as { result: { records: unknown } }
  const ours = rowsOf(JSON.stringify(result.records))
  assert.ok(ours.length > 0, 'there are no records to compare')
  assert.deepEqual(ours, rowsOf(`[${await bare.call('value', asJson(sql))}]`))
}

/** A query that writes the rows of another one as JSON objects inside the engine, in their order. */
export function asJson(sql: string): string {
  return `SELECT string_agg(to_json(p)::VARCHAR, ',') FROM (${sql}) p`
}
