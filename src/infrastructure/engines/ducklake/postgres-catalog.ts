import { ConfigurationError } from '../../../core/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../sql/quote.ts'
import type { Catalog } from './catalog.ts'
import { INLINED_ROWS, METADATA } from './catalog.ts'
import { snapshotIn } from './stand.ts'

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

/**
 * A catalog in a schema of a PostgreSQL database, for processes anywhere.
 *
 * @throws ConfigurationError naming a parameter of the address that is not used; another error where it is no address.
 */
export function postgresCatalog(address: string, schema: string): Catalog {
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

function conninfo(value = ''): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
