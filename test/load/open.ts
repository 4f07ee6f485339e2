import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Datastore } from '../../src/app.ts'
import { createDatastore } from '../../src/app.ts'
import type { AuthProvider } from '../../src/auth/provider.ts'
import type { Env } from '../../src/core/config.ts'
import { createLogger } from '../../src/core/log.ts'

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: checks of parts read better without casts
  body: any
}

export interface LoadTarget {
  folder: string
  /** `load('trees?method=replace', 'a,b\n…')` */
  load(target: string, body: BodyInit, headers?: Record<string, string>): Promise<Answer>
  act(action: string, params: object): Promise<Answer>
  dump(target: string): Promise<string>
  bytes(path: string): Promise<Uint8Array<ArrayBuffer>>
  ask(path: string, init?: RequestInit): Promise<Response>
  /** Files that a load has left behind. */
  leftovers(): Promise<string[]>
  close(): Promise<void>
}

/** A datastore on DuckDB in a folder of its own. */
export async function openTarget(env: Env = {}, auth: string | AuthProvider = 'anonymous'): Promise<LoadTarget> {
  const folder = await mkdtemp(join(tmpdir(), 'datastore-load-'))
  const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
  const datastore = await createDatastore({ env: { DUCKDB_PATH: folder, ...env }, auth, logger })
  return {
    ...asking(datastore),
    folder,
    leftovers: async () => [...(await readdir(join(folder, 'load'))), ...(await readdir(join(folder, 'export')))],
    async close() {
      await datastore.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What a test asks of a datastore, on any engine. */
export function asking(datastore: Pick<Datastore, 'fetch'>): Omit<LoadTarget, 'folder' | 'leftovers' | 'close'> {
  const ask = async (path: string, init?: RequestInit) => datastore.fetch(new Request(`http://localhost${path}`, init))
  const answered = async (response: Response) => {
    const text = await response.text()
    return {
      status: response.status,
      body: response.headers.get('content-type')?.includes('ndjson') ? text : JSON.parse(text),
    }
  }
  return {
    ask,
    load: async (target, body, headers) =>
      answered(
        await ask(`/datastore/load/${target}`, {
          method: 'POST',
          body,
          ...(headers && { headers }),
          ...(body instanceof ReadableStream && { duplex: 'half' }),
        } as RequestInit),
      ),
    act: async (action, params) =>
      answered(
        await ask(`/api/3/action/datastore_${action}`, {
          method: 'POST',
          body: JSON.stringify(params),
          headers: { 'Content-Type': 'application/json' },
        }),
      ),
    dump: async (target) => (await ask(`/datastore/dump/${target}`)).text(),
    bytes: async (path) => new Uint8Array(await (await ask(path)).arrayBuffer()),
  }
}
