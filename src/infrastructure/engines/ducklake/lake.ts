import { totalmem } from 'node:os'
import type { DuckDBConnection } from '@duckdb/node-api'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Config } from '../../../core/config.ts'
import type { Session } from '../duckdb/client.ts'
import { Client } from '../duckdb/client.ts'
import type { Folders } from '../duckdb/folder.ts'
import { makeFolder } from '../duckdb/folder.ts'
import { createLanes } from '../duckdb/lane.ts'
import { lockDown } from '../duckdb/lock-down.ts'
import { quoteLiteral } from '../sql/quote.ts'
import type { Catalog } from './catalog.ts'
import type { DataPath } from './data-path.ts'
import { loadExtensions } from './extensions.ts'
import { checkStatement } from './placeholders.ts'
import { wearOf } from './wear.ts'
import type { WholeReads } from './whole-reads.ts'

export interface LakeOptions {
  config: Config
  catalog: Catalog
  data: DataPath
  folders: Folders
  /** Where a read may see more than one moment of the catalog. */
  wholeReads: WholeReads | undefined
  failed(error: unknown, lost: () => void): unknown
}

/** The instances of this process on a lake: one that writes, and one that can't, which may be the same. */
export interface Lake {
  reader: Client
  writer: Client
}

/** How a lake's files are written, once for all: pages and filters read fewer bytes, and many are read at once. */
const LAKE_OPTIONS = {
  parquet_row_group_size: 20_480,
  parquet_version: 2,
  parquet_compression: "'zstd'",
} as const

const SETTINGS = [
  'SET GLOBAL parquet_metadata_cache = true',
  // The writers' lock leaves nothing to retry, and a retry would take another snapshot than the one noted.
  'SET GLOBAL ducklake_max_retry_count = 0',
]

/** Opens a lake; the first time it is made. Only one process may do so at a time. */
export async function openLake(options: LakeOptions): Promise<Lake> {
  const lanes = createLanes()
  const { folders, catalog, wholeReads } = options
  const client = (readOnly: boolean) => {
    const memory = shareOf(options.config.duckdbMemoryLimit, catalog.shared)
    let isWorn = wearOf(memory, catalog)
    let opened = 0
    return Client.open({
      folders,
      lanes,
      failed: options.failed,
      open: () => {
        isWorn = wearOf(memory, catalog)
        opened += 1
        return openInstance(options, { readOnly, memory, tmp: `${readOnly ? 'reader' : 'writer'}-${opened}` })
      },
      check: checkStatement,
      // Two instances on one DuckDB file don't see what the other writes.
      ...(catalog.shared && { isWorn: (session) => isWorn(session) }),
      ...(readOnly && wholeReads && { around: (session, work) => wholeReads.session(session, work) }),
    })
  }
  const writer = await client(false)
  try {
    await writer.session((session) => setOptions(session, catalog))
    return { writer, reader: catalog.shared ? await client(true) : writer }
  } catch (error) {
    await writer.close()
    throw error
  }
}

interface InstanceOptions {
  readOnly: boolean
  /** Bytes. */
  memory: number
  /** Its own folder: the one before may still be in use. */
  tmp: string
}

async function openInstance(options: LakeOptions, own: InstanceOptions): Promise<DuckDBInstance> {
  const { readOnly, memory } = own
  const { config, catalog, data, folders } = options
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    await loadExtensions(connection, [...catalog.extensions, ...data.extensions], config.duckdbExtensionDirectory)
    const readSettings = readOnly || !catalog.shared ? READ_SETTINGS : []
    for (const sql of [...SETTINGS, ...readSettings, ...postgresSettings(catalog), ...catalog.prepare, ...data.prepare])
      await connection.run(sql)
    await attach(connection, options, readOnly)
    const tmp = `${folders.tmp}/${own.tmp}`
    await makeFolder(tmp)
    await lockDown(instance, {
      tmp,
      directories: [data.path, ...Object.values(folders)],
      memoryLimit: `${memory}B`,
      threads: config.duckdbThreads,
    })
    return instance
  } catch (error) {
    instance.closeSync()
    throw error
  } finally {
    connection.closeSync()
  }
}

/**
 * A join hands its least and greatest values down to the lake's tables, whatever stands between, and DuckLake writes them
 * into SQL of its own: a caller's own SQL could make them up (see `placeholders.ts`).
 */
const READ_SETTINGS = ["SET GLOBAL disabled_optimizers = 'join_filter_pushdown'"]

/** A long load must not be cut off at its commit, nor a long download in its middle; but what a lost instance has left open ends. */
const IDLE_MS = 3_600_000

function postgresSettings({ extensions }: Catalog): string[] {
  return extensions.includes('postgres') ? [`SET GLOBAL pg_idle_in_transaction_timeout_millis = ${IDLE_MS}`] : []
}

async function attach(connection: DuckDBConnection, { catalog, data }: LakeOptions, readOnly: boolean): Promise<void> {
  const options = [...catalog.options, `DATA_PATH ${quoteLiteral(data.path)}`, ...(readOnly ? ['READ_ONLY'] : [])]
  await connection.run(`ATTACH ${quoteLiteral(`ducklake:${catalog.path}`)} AS datastore (${options.join(', ')})`)
}

async function setOptions(session: Session, { inlinedRows }: Catalog): Promise<void> {
  const rows = await session.rows("SELECT option_name, value FROM ducklake_options('datastore')")
  const stored = new Map(rows.map(([name, value]) => [String(name), String(value)]))
  for (const [name, value] of Object.entries(LAKE_OPTIONS)) {
    if (!stored.has(name)) await session.run(`CALL datastore.set_option('${name}', ${value})`)
  }
  if (stored.get('data_inlining_row_limit') !== String(inlinedRows))
    await session.run(`CALL datastore.set_option('data_inlining_row_limit', ${inlinedRows})`)
}

const UNITS = ['B', 'K', 'M', 'G', 'T']

/** In bytes. Two instances share what one may have; by DuckDB's own rule, 80 % of the machine's memory. */
function shareOf(limit: string | undefined, isShared: boolean): number {
  const [, number = '', unit = ''] = /^([\d.]+) ?([KMGT]?)/i.exec(limit ?? '') ?? []
  const base = /i/i.test(limit ?? '') ? 1024 : 1000
  const machine = Math.min(totalmem(), process.constrainedMemory?.() || Number.POSITIVE_INFINITY)
  const bytes = limit === undefined ? 0.8 * machine : Number(number) * base ** UNITS.indexOf(unit.toUpperCase() || 'B')
  return Math.floor(isShared ? bytes / 2 : bytes)
}
