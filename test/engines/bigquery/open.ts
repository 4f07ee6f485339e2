import { readConfig } from '../../../src/core/config.ts'
import { createLogger } from '../../../src/core/log.ts'
import bigquery from '../../../src/infrastructure/engines/bigquery/index.ts'
import { stateOf, tableOf } from '../../../src/infrastructure/engines/bigquery/names.ts'
import { type BigqueryServices, reasonWithoutBigquery, startBigquery } from '../../services/bigquery.ts'
import { makeGoogleDataset, reasonWithoutGoogle } from '../../services/google.ts'
import type { Opened } from '../../suites/engine/kit.ts'
import type { FailingPlace, WithPlace } from './failures.ts'

/** Settings that lead the engine to the emulators. */
export function settingsFor(services: BigqueryServices, env: Record<string, string> = {}): Record<string, string> {
  return {
    DATASTORE_ENGINE: 'bigquery',
    BIGQUERY_PROJECT: services.project,
    BIGQUERY_DATASET: services.dataset,
    BIGQUERY_API_ENDPOINT: services.url,
    STORAGE_API_ENDPOINT: services.gcsUrl,
    BIGQUERY_EXPORT_BUCKET: services.bucket,
    ...env,
  }
}

function openWith(settings: Record<string, string>) {
  const { config } = readConfig({ AUTH_TYPE: 'anonymous', ...settings })
  return bigquery({ config, logger: createLogger(config, () => {}) })
}

/** The engine on an emulator that is there. */
export function openOn(services: BigqueryServices, env: Record<string, string> = {}) {
  return openWith(settingsFor(services, env))
}

const isOfSuite = (id: string) => id.startsWith('table-')

/** An engine on an emulator of its own; every statement passes Google's own analyzer first. */
export async function openBigquery(
  options: Parameters<typeof startBigquery>[0] = {},
): Promise<Opened & { services: BigqueryServices }> {
  const services = await startBigquery({ strict: true, ...options })
  const engine = await openOn(services)
  return {
    services,
    engine,
    discard: (ids) => dropTables(services, ids.filter(isOfSuite)),
    async close() {
      await engine.close()
      await services.close()
    },
  }
}

/** Two engines on an emulator of their own that waits for no answer longer than it must. */
export async function openFailing(): Promise<FailingPlace & { close(): Promise<void> }> {
  const services = await startBigquery()
  const env = { HTTP_TIMEOUT_SECONDS: '1' }
  const [engine, other] = await Promise.all([openOn(services, env), openOn(services, env)])
  return {
    ...{ services, engine, other },
    discard: (ids) => dropTables(services, ids),
    async close() {
      await Promise.all([engine.close(), other.close()])
      await services.close()
    },
  }
}

/** Lends up to `most` places, opened when they are needed, to one test each at a time. */
export function lendPlaces(most: number): { withPlace: WithPlace; close(): Promise<void> } {
  type Opened = Awaited<ReturnType<typeof openFailing>>
  const opened: Promise<Opened>[] = []
  const free: Opened[] = []
  const waiting: ((place: Opened) => void)[] = []
  const take = (): Promise<Opened> | Opened => {
    const place = free.pop()
    if (place) return place
    if (opened.length === most) return new Promise((resolve) => waiting.push(resolve))
    const opening = openFailing()
    opened.push(opening)
    return opening
  }
  const giveBack = (place: Opened) => {
    const next = waiting.shift()
    if (next) next(place)
    else free.push(place)
  }
  return {
    async withPlace(work) {
      const place = await take()
      try {
        await work(place)
      } finally {
        place.services.bigquery.heal()
        giveBack(place)
      }
    },
    close: async () => void (await Promise.all(opened.map(async (place) => (await place).close()))),
  }
}

/** Where the suites of every engine are run: a place of Google's where there is one, else an emulator. */
export interface Place {
  settings: Record<string, string>
  /** Drops tables behind the engine's back: the emulator slows down with every live one. */
  drop(ids: readonly string[]): Promise<void>
  close(): Promise<void>
  /** Where it is no place of Google's. */
  services?: BigqueryServices
}

export const isOnGoogle = reasonWithoutGoogle() === undefined

/** Why the suites can't run at all; undefined when they can. */
export const reasonWithoutPlace = (): string | undefined => (isOnGoogle ? undefined : reasonWithoutBigquery())

/** On an emulator every statement passes Google's own analyzer first. */
export async function openPlace(): Promise<Place> {
  if (isOnGoogle) {
    const { settings, dropTables, close } = await makeGoogleDataset()
    return { settings, close, drop: (ids) => dropTables(ids.flatMap((id) => [tableOf(id), stateOf(id)])) }
  }
  const services = await startBigquery({ strict: true })
  return {
    ...{ settings: settingsFor(services), services },
    drop: (ids) => dropTables(services, ids),
    close: () => services.close(),
  }
}

/** The engine in a place of its own. */
export async function openEngine(): Promise<Opened> {
  const place = await openPlace()
  const engine = await openWith(place.settings)
  return {
    engine,
    discard: (ids) => place.drop(ids.filter(isOfSuite)),
    async close() {
      await engine.close()
      await place.close()
    },
  }
}

/** Drops tables behind the engine's back: the emulator slows down with every live one. */
export async function dropTables({ url, project, dataset }: BigqueryServices, ids: readonly string[]): Promise<void> {
  const tables = ids.flatMap((id) => [tableOf(id), stateOf(id)])
  const drop = (table: string) =>
    fetch(`${url}/bigquery/v2/projects/${project}/datasets/${dataset}/tables/${encodeURIComponent(table)}`, {
      method: 'DELETE',
    })
  await Promise.all(tables.map(drop))
}
