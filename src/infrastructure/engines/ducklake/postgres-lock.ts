import pg from 'pg'
import { Lane } from '../duckdb/lane.ts'
import { quoteLiteral } from '../sql/quote.ts'
import { heldTooLong, type Lock } from './lock.ts'

/** The first half of the lock's number: this service's. */
const LOCK_CLASS = 0x636b_616e
const LOCK_NOT_AVAILABLE = '55P03'

/** How often who holds a lock shows that he is alive. */
const PING_MS = 15_000

/**
 * A host that is gone without a word gives its lock up after 10 + 3 × 5 seconds, and a process that stands still after a minute. Should
 * it wake up in the midst of a write, its commit meets those of others, and is refused.
 */
const SETTINGS = [
  "idle_in_transaction_session_timeout = '60s'",
  "lock_timeout = '30s'",
  'tcp_keepalives_idle = 10',
  'tcp_keepalives_interval = 5',
  'tcp_keepalives_count = 3',
]

/** For the transaction alone: a pooler may give the connection to others after it. */
const BEGIN = ['BEGIN', ...SETTINGS.map((setting) => `SET LOCAL ${setting}`)].join('; ')

const lockOf = (name: string) => `${LOCK_CLASS}, hashtext(${quoteLiteral(name)})`

const CONNECT_MS = 10_000

/**
 * The lock as an advisory lock of PostgreSQL, on a connection of its own: taken through DuckDB it would hold a thread
 * for each that waits.
 */
export class PostgresLock implements Lock {
  readonly #address: string
  readonly #name: string
  /** Within this process they wait here, not in PostgreSQL. */
  readonly #lane = new Lane(1)
  #client: pg.Client | undefined

  /** @param name - Of the lake in this database. */
  constructor(address: string, name: string) {
    this.#address = address
    this.#name = name
  }

  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#lane.run(async () => {
      const client = await this.#connected()
      try {
        await client.query(`${BEGIN}; SELECT pg_advisory_xact_lock(${lockOf(this.#name)})`)
      } catch (error) {
        this.#drop(client)
        if ((error as { code?: string }).code === LOCK_NOT_AVAILABLE) throw heldTooLong()
        throw error
      }
      const stopPings = this.#ping(client)
      try {
        signal?.throwIfAborted()
        return await work()
      } finally {
        stopPings()
        await client.query('COMMIT').catch(() => this.#drop(client))
      }
    }, signal)
  }

  async alone<T>(kind: string, work: () => Promise<T>): Promise<T | undefined> {
    const client = await this.#connect()
    const stopPings = this.#ping(client)
    try {
      await client.query(BEGIN)
      const { rows } = await client.query(
        `SELECT pg_try_advisory_xact_lock(${lockOf(`${this.#name} ${kind}`)}) AS held`,
      )
      return rows[0]?.held ? await work() : undefined
    } finally {
      stopPings()
      await client.end().catch(() => undefined)
    }
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => undefined)
  }

  #ping(client: pg.Client): () => void {
    const timer = setInterval(() => client.query('SELECT 1').catch(() => this.#drop(client)), PING_MS)
    return () => clearInterval(timer)
  }

  async #connected(): Promise<pg.Client> {
    this.#client ??= await this.#connect()
    return this.#client
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#address,
      application_name: 'ckan-datastore lock',
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
    })
    client.on('error', () => this.#drop(client))
    await client.connect()
    return client
  }

  /** The next one connects anew. */
  #drop(client: pg.Client): void {
    if (this.#client === client) this.#client = undefined
    client.end().catch(() => undefined)
  }
}
