import type { Engine, Supports, TableSize, UpsertPlan, Written } from '../engine.ts'
import { receiveFile } from '../files/received-file.ts'
import type { FunctionList } from '../sql/function-list.ts'
import { createTable } from './create.ts'
import { deleteFrom } from './delete.ts'
import { dumpTable } from './export.ts'
import { inspect } from './gate/index.ts'
import { loadFile } from './load/index.ts'
import { parquetColumns } from './load/source.ts'
import { readListing } from './metadata.ts'
import { searchTable } from './read.ts'
import { runSql } from './sql.ts'
import { dumpSql } from './sql-export.ts'
import type { Store } from './store.ts'

/** What an engine on DuckDB has of its own. */
export interface EngineParts {
  name: string
  location: string
  supports: Supports
  scratch?: string
  functions: FunctionList
  /** Throws when so many bytes more, in a file of this process, would fill its disk. */
  checkHeadroom(bytes?: number): Promise<void>
  describe: Engine['describe']
  size(id: string, signal?: AbortSignal): Promise<TableSize>
  upsert(plan: UpsertPlan, signal?: AbortSignal): Promise<Written>
  close(): Promise<void>
}

/** The engine that DuckDB makes of a store. */
export function engineOn(store: Store, parts: EngineParts): Engine {
  const { name, location, supports, scratch, functions, checkHeadroom } = parts
  const { client, writer, rejectedFiles } = store
  return {
    name,
    location,
    supports,
    ...(scratch !== undefined && { scratch }),

    describe: (idOrAlias, options) => parts.describe(idOrAlias, options),
    size: (id, { signal } = {}) => parts.size(id, signal),
    list: (page, { signal } = {}) => client.session((session) => readListing(session, page), signal),

    async create(plan, { signal } = {}) {
      await checkHeadroom()
      return createTable(store, plan, signal)
    },
    async upsert(plan, { signal } = {}) {
      await checkHeadroom()
      return parts.upsert(plan, signal)
    },
    delete: (plan, { signal } = {}) => deleteFrom(store, plan, signal),

    receive: (body, { signal } = {}) => receiveFile(body, { folder: writer.folders.load, checkHeadroom, signal }),
    parquetColumns: (file, { signal } = {}) => parquetColumns(client, file, signal),
    async load(plan, { signal } = {}) {
      await checkHeadroom()
      return loadFile(store, plan, checkHeadroom, signal)
    },
    ...(rejectedFiles && { rejectedRows: async (id, file) => rejectedFiles.open(id, file) }),

    search: (plan, { signal } = {}) => searchTable(store, plan, signal),
    dump: (plan, { signal } = {}) => dumpTable(store, plan, signal),

    inspectSql: (sql, { signal } = {}) =>
      client.session((session) => inspect(session.connection, sql, functions), signal),
    runSql: (plan, { signal } = {}) => runSql(store, plan, signal),
    dumpSql: (plan, { signal } = {}) => dumpSql(store, plan, checkHeadroom, signal),

    activity() {
      const { waiting, ...activity } = client.activity
      return { ...activity, waiting: { ...waiting, 'write queue': store.queue.length } }
    },

    healthcheck: ({ signal } = {}) => client.session(async (session) => void (await session.row('SELECT 1')), signal),
    close: () => parts.close(),
  }
}
