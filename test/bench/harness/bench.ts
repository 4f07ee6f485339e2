import { join } from 'node:path'
import type { BareTasks } from './bare-process.ts'
import type { Ask, ClientTasks } from './client-process.ts'
import { type Figure, type Goal, judged, median, quantile, storedFigure, type Unit } from './figures.ts'
import type { PlainTasks } from './plain-process.ts'
import type { Prepared } from './prepare.ts'
import { RunningServer } from './server.ts'
import { Worker } from './worker.ts'

/** A server that speaks CKAN's action API. */
export interface Target {
  url: string
  headers?: Record<string, string>
  /** Its id of a table. */
  table(name: string): string
}

/** Work that is measured on our server, by bare means, and on CKAN. */
export interface Work {
  work: string
  unit: Unit
  ours(target: Target): Promise<number>
  limit?: { of: string; measure(): Promise<number> }
  wanted?: Goal
  ckan?: { stored: string; wanted: number; measure?: boolean }
  note?: string
  rounds?: number
}

export interface BenchOptions {
  prepared: Prepared
  full: boolean
  rounds: number
  ckan?: Target
  say(figure: Figure): void
}

/** What the rows of the table share. */
export class Bench {
  readonly prepared: Prepared
  readonly full: boolean
  readonly figures: Figure[] = []
  row = ''
  readonly #options: BenchOptions
  readonly #stop: (() => Promise<void>)[] = []

  constructor(options: BenchOptions) {
    this.#options = options
    this.prepared = options.prepared
    this.full = options.full
  }

  /** Our server on a copy of the tables, without a result cache unless `env` says so. */
  async serve(
    env: Record<string, string> = {},
    state?: 'indexed' | 'fresh' | 'empty',
  ): Promise<RunningServer & Target> {
    const folder = state === 'empty' ? this.prepared.empty() : await this.prepared.copy(state)
    const server = await RunningServer.start(folder, env)
    this.#stop.push(() => server.stop())
    return Object.assign(server, { table: (name: string) => name })
  }

  /** DuckDB by itself, on another copy of the same file, in a process of its own. */
  async bare(): Promise<Worker<BareTasks>> {
    const worker = this.#start<BareTasks>('./bare-process.ts')
    await worker.call('open', { path: join(await this.prepared.copy(), 'datastore.duckdb') })
    return worker
  }

  client(): Worker<ClientTasks> {
    return this.#start<ClientTasks>('./client-process.ts')
  }

  plain(): Worker<PlainTasks> {
    return this.#start<PlainTasks>('./plain-process.ts')
  }

  /** Ends the processes that the row has started. */
  async clear(): Promise<void> {
    for (const stop of this.#stop.splice(0)) await stop()
  }

  /** Measures all sides in turns, in the other order every other round, and reports the medians. */
  async compare(
    server: Target,
    { work, unit, ours, limit, wanted, ckan, note, rounds = this.#options.rounds }: Work,
  ): Promise<void> {
    const target = ckan?.measure === false ? undefined : this.#options.ckan
    const sides = {
      ours: () => ours(server),
      ...(limit && { limit: limit.measure }),
      ...(ckan && target && { ckan: () => ours(target) }),
    }
    const medians = await inTurns(rounds, sides)
    this.add({
      work,
      unit,
      ours: medians.ours,
      limit: medians.limit,
      limitOf: limit?.of,
      wanted,
      ...(ckan && {
        ckan: medians.ckan ?? storedFigure(ckan.stored),
        ckanFrom: medians.ckan === undefined ? 'stored' : 'this run',
        wantedFactor: ckan.wanted,
      }),
      note,
    })
  }

  /** CKAN's part of a figure that `compare` does not make. */
  async stored(
    { stored, wanted }: { stored: string; wanted: number },
    measure?: (target: Target) => Promise<number>,
  ): Promise<Pick<Figure, 'ckan' | 'ckanFrom' | 'wantedFactor'>> {
    const { ckan } = this.#options
    return {
      ckan: ckan && measure ? await measure(ckan) : storedFigure(stored),
      ckanFrom: ckan && measure ? 'this run' : 'stored',
      wantedFactor: wanted,
    }
  }

  add(figure: Omit<Figure, 'row'>): void {
    const done = judged({ row: this.row, ...figure })
    this.figures.push(done)
    this.#options.say(done)
  }

  skip(work: string, note: string): void {
    this.add({ work, unit: '', note })
  }

  #start<T extends Record<string, (input: never) => Promise<unknown>>>(file: string): Worker<T> {
    const worker = Worker.start<T>(file)
    this.#stop.push(() => worker.stop())
    return worker
  }
}

export async function inTurns(
  rounds: number,
  sides: Record<string, () => Promise<number>>,
): Promise<Record<string, number>> {
  const order = Object.keys(sides)
  const found: Record<string, number[]> = Object.fromEntries(order.map((name) => [name, []]))
  // Once for nothing: what is read the first time comes from the disk.
  for (const name of order) await sides[name]?.()
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? order : [...order].reverse()) {
      found[name]?.push((await sides[name]?.()) ?? Number.NaN)
    }
  }
  return Object.fromEntries(Object.entries(found).map(([name, values]) => [name, median(values)]))
}

/** The middle of the times that these requests take, one after the other. */
export function p50(
  client: Worker<ClientTasks>,
  asks: (target: Target) => readonly Ask[],
): (target: Target) => Promise<number> {
  return async (target) => {
    const answers = await client.call('inTurn', { url: target.url, headers: target.headers, asks: asks(target) })
    return quantile(
      answers.map(({ ms }) => ms),
      0.5,
    )
  }
}

/** The middle of the times that these statements take. */
export function bareP50(bare: Worker<BareTasks>, statements: readonly string[]): () => Promise<number> {
  return async () => median(await bare.call('time', statements))
}

/** A call of an action by POST. */
export function action(name: string, body: unknown): Ask {
  return { method: 'POST', path: `/api/3/action/${name}`, body: JSON.stringify(body) }
}
