import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ConfigurationError } from '../../../core/errors.ts'
import type { Session } from '../duckdb/client.ts'
import { makeFolder } from '../duckdb/folder.ts'
import { quoteIdentifier, quoteLiteral } from '../sql/quote.ts'
import { FileLock, ProcessLock } from './file-lock.ts'
import type { Lock } from './lock.ts'
import type { SeenStand } from './stand.ts'
import { currentSnapshot, snapshotIn } from './stand.ts'

/** Where a lake's catalog is, and how it is shared. */
export interface Catalog {
  /** For people; without a password. */
  readonly location: string
  readonly extensions: readonly string[]
  /** Whether a second instance can read beside the one that writes. */
  readonly shared: boolean
  /** Whether all that one read asks the catalog for is of one moment. */
  readonly isolated: boolean
  /** Rows of a write that are kept in the catalog; of more a file is made. */
  readonly inlinedRows: number
  /** Names that its database keeps for itself in each table, so in those with the rows that are kept there, too. */
  readonly reserved?: RegExp
  /** Statements before the lake is attached: secrets, which never show. */
  readonly prepare: readonly string[]
  /** What stands after `ducklake:`, and options of ATTACH. */
  readonly path: string
  readonly options: readonly string[]
  openLock(): Promise<Lock>
  /**
   * SQL that asks the catalog's own tables, which `query` names by `of`: DuckLake's own functions are slow where there is much, and
   * don't tell all.
   */
  ask(query: (of: (table: string) => string) => string): string
  /**
   * SQL of a query for the names of those of these tables that hold rows and deletions until they are written to files, and may
   * have some. Absent where nobody can be asked.
   */
  readonly inlined?: string
  /** Where the lake stands. `known`: the last snapshot so far, for whoever has seen one. */
  stand(session: Session, known: number): Promise<SeenStand>
  /** Tells it from other catalogs, and from a copy of itself elsewhere. */
  identity(session: Session): Promise<string>
  /** Bytes of the catalog itself. */
  size(session: Session): Promise<number>
}

/** The name under which DuckLake attaches the catalog. */
const METADATA = '__ducklake_metadata_datastore'

/** What is the same for a catalog in a file, whose size that file tells. */
const ofFile = (location: string, file: string) => ({
  location,
  stand: async (session: Session) => ({ snapshot: await currentSnapshot(session) }),
  identity: async () => location,
  size: async () => (await stat(file)).size,
})

/** More bring nothing (measured). */
const INLINED_ROWS = 10

const kinds: Readonly<Record<string, (address: string, schema: string) => Catalog>> = {
  postgres,
  postgresql: postgres,
  sqlite: (address) => {
    const file = fileOf(address)
    return {
      ...ofFile(`sqlite:${file}`, file),
      extensions: ['ducklake', 'sqlite'],
      shared: true,
      isolated: false,
      // A read fails that is under way when a table's first rows come into the catalog.
      inlinedRows: 0,
      prepare: [],
      path: `sqlite:${file}`,
      // Readers and the writer of one host don't wait for each other then.
      options: ["META_JOURNAL_MODE 'WAL'", 'META_BUSY_TIMEOUT 30000'],
      openLock: async () => {
        await makeFolder(dirname(file))
        return new FileLock(`${file}.lock`)
      },
      ask: (query) => asSqlite(query(quoteIdentifier)),
      inlined: asSqlite("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'ducklake_inlined_%'"),
    }
  },
  duckdb: (address) => {
    const file = fileOf(address)
    return {
      ...ofFile(`duckdb:${file}`, file),
      extensions: ['ducklake'],
      shared: false,
      isolated: true,
      inlinedRows: INLINED_ROWS,
      prepare: [],
      path: file,
      options: [],
      openLock: async () => {
        await makeFolder(dirname(file))
        return new ProcessLock()
      },
      ask: (query) => query((table) => `${METADATA}.main.${quoteIdentifier(table)}`),
    }
  },
}

/**
 * @param address - As `DUCKLAKE_CATALOG` says it.
 * @throws ConfigurationError when it is none.
 */
export function catalogOf(address: string, schema: string): Catalog {
  const kind = kinds[address.slice(0, address.indexOf(':'))] as (typeof kinds)[string]
  try {
    return kind(address, schema)
  } catch (error) {
    if (error instanceof ConfigurationError) throw error
    throw new ConfigurationError([
      'DUCKLAKE_CATALOG can not be read as an address: it has one host and port, and characters such as # / @ % in a name or a ' +
        'password are written as %23 %2F %40 %25.',
    ])
  }
}

function fileOf(address: string): string {
  return resolve(address.slice(address.indexOf(':') + 1))
}

/** A host that is gone without a word is given up within half a minute. */
const DEFAULTS: Readonly<Record<string, string>> = {
  connect_timeout: '10',
  keepalives_idle: '10',
  keepalives_interval: '5',
  keepalives_count: '3',
  tcp_user_timeout: '30000',
}

/** Parameters of an address that libpq knows as well. */
const PASSED_ON = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'target_session_attrs', ...Object.keys(DEFAULTS)]

function postgres(address: string, schema: string): Catalog {
  const url = new URL(address)
  if (url.hash !== '') throw new TypeError('a password holds a #')
  const database = decodeURIComponent(url.pathname.slice(1)) || decodeURIComponent(url.username)
  const secret = Object.entries({
    HOST: url.hostname.replace(/^\[|\]$/g, ''),
    PORT: url.port || '5432',
    DATABASE: database,
    USER: decodeURIComponent(url.username),
    PASSWORD: decodeURIComponent(url.password),
  }).flatMap(([name, value]) => (value === '' ? [] : [`${name} ${quoteLiteral(value)}`]))
  const unknown = [...url.searchParams.keys()].find((name) => !PASSED_ON.includes(name))
  if (unknown !== undefined) {
    throw new ConfigurationError([
      `DUCKLAKE_CATALOG: the parameter "${unknown}" of the address is not used here; these are: ${PASSED_ON.join(', ')}.`,
    ])
  }
  const given = { ...DEFAULTS, ...Object.fromEntries(url.searchParams), application_name: 'ckan-datastore' }
  const options = Object.entries(given).map(([name, value]) => `${name}=${conninfo(value)}`)
  const location = `postgres://${url.host}/${database}, schema ${schema}`
  const snapshots = `${quoteIdentifier(schema)}.ducklake_snapshot`
  return {
    location,
    extensions: ['ducklake', 'postgres'],
    shared: true,
    isolated: true,
    inlinedRows: INLINED_ROWS,
    reserved: /^(?:ctid|xmin|xmax|cmin|cmax|tableoid)$/,
    prepare: [`CREATE OR REPLACE SECRET catalog (TYPE postgres, ${secret.join(', ')})`],
    path: `postgres:${options.join(' ')}`,
    options: ["META_SECRET 'catalog'", `METADATA_SCHEMA ${quoteLiteral(schema)}`],
    async openLock() {
      const { PostgresLock } = await import('./postgres-lock.ts')
      const same = new URL(address)
      // `sslmode` then means what it means to DuckDB's own connection.
      if (same.searchParams.has('sslmode')) same.searchParams.set('uselibpqcompat', 'true')
      return new PostgresLock(same.href, schema)
    },
    ask: (query) => asPostgres(query((table) => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`)),
    // One that was emptied may keep its size for a while.
    inlined: asPostgres(
      'SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace ' +
        `WHERE n.nspname = ${quoteLiteral(schema)} AND relname ~ '^ducklake_inlined_(data|delete)_[0-9]+' AND pg_relation_size(c.oid) > 0`,
    ),
    async stand(session, known) {
      const madeAt = 'extract(epoch FROM snapshot_time)::text'
      const row = await session.row(
        asPostgres(
          `SELECT snapshot_id, ${madeAt} AS made_at, (SELECT ${madeAt} FROM ${snapshots} WHERE snapshot_id = ${known}) AS known_made_at, ` +
            `concat(pg_postmaster_start_time(), ' ', pg_relation_filenode(${quoteLiteral(snapshots)})) AS database ` +
            `FROM ${snapshots} ORDER BY snapshot_id DESC LIMIT 1`,
        ),
      )
      const [snapshot, madeAtNow, knownMadeAt, database] = row ?? []
      return {
        snapshot: snapshotIn(snapshot),
        madeAt: String(madeAtNow),
        ...(knownMadeAt !== null && { knownMadeAt: String(knownMadeAt) }),
        database: String(database),
      }
    },
    async identity(session) {
      const control = 'pg_catalog.pg_control_system()'
      const [mayAsk] =
        (await session.row(asPostgres(`SELECT has_function_privilege('${control}', 'execute') AS may_ask`))) ?? []
      if (mayAsk !== true) return location
      const [system] = (await session.row(asPostgres(`SELECT system_identifier::text AS system FROM ${control}`))) ?? []
      return `${location}, PostgreSQL's system ${system}`
    },
    async size(session) {
      const sql = `SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = ${quoteLiteral(schema)}`
      const [bytes] = (await session.row(asPostgres(sql))) ?? []
      return Number(bytes ?? 0)
    },
  }
}

/** A query in PostgreSQL's own words: it runs there as one, and sees one moment. */
function asPostgres(sql: string): string {
  return `FROM postgres_query('${METADATA}', ${quoteLiteral(sql)})`
}

function asSqlite(sql: string): string {
  return `FROM sqlite_query('${METADATA}', ${quoteLiteral(sql)})`
}

function conninfo(value = ''): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
