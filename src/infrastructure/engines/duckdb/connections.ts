import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

/** Instances that were lost: DuckDB ends the process when a connection of one goes, so none may be collected. */
const lost: Connections[] = []

/**
 * An instance and its connections, each lent to one caller at a time. DuckDB frees a connection that is closed at once, whatever still
 * runs on it, and an instance that somebody is just connecting to: so none is closed before it has been given back.
 */
export class Connections {
  readonly #instance: DuckDBInstance
  readonly #ended: () => void
  readonly #lent = new Set<DuckDBConnection>()
  #idle: DuckDBConnection[] = []
  readonly #connecting = new Set<Promise<DuckDBConnection>>()
  #state: 'open' | 'retired' | 'lost' | 'closed' = 'open'

  /** @param ended - Called when the instance is closed or lost. */
  constructor(instance: DuckDBInstance, ended: () => void = () => {}) {
    this.#instance = instance
    this.#ended = ended
  }

  get counts(): { busy: number; idle: number } {
    return { busy: this.#lent.size, idle: this.#idle.length }
  }

  /** Whether nothing may run here any more. */
  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  async lend(): Promise<DuckDBConnection> {
    const idle = this.#idle.pop()
    if (idle) {
      this.#lent.add(idle)
      return idle
    }
    const connecting = this.#instance.connect()
    this.#connecting.add(connecting)
    try {
      const connection = await connecting
      this.#lent.add(connection)
      return connection
    } finally {
      this.#connecting.delete(connecting)
    }
  }

  /** To be called when nothing runs on the connection any more. Where it is not `usable` again it is closed. */
  giveBack(connection: DuckDBConnection, usable: boolean): void {
    if (!this.#lent.has(connection) || this.#state === 'lost') return
    this.#lent.delete(connection)
    if (usable && this.#state === 'open') this.#idle.push(connection)
    else connection.closeSync()
    if (this.#state === 'retired') this.#closeWhenIdle()
  }

  interrupt(): void {
    for (const connection of this.#lent) connection.interrupt()
  }

  /** Lends no more; the instance is closed when the last connection has been given back. */
  retire(): void {
    if (this.#state !== 'open') return
    this.#state = 'retired'
    this.#closeWhenIdle()
  }

  /** DuckDB has given the instance up: its connections are left alone, and those that are lent end by themselves. */
  lose(): void {
    if (this.#state === 'lost' || this.#state === 'closed') return
    this.#state = 'lost'
    lost.push(this)
    this.#ended()
  }

  /** Closes all of it, connections that are lent as well: nothing may run on any. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#connecting)
    if (this.#state === 'lost' || this.#state === 'closed') return
    for (const connection of this.#lent) connection.closeSync()
    this.#lent.clear()
    this.#closeInstance()
  }

  #closeWhenIdle(): void {
    if (this.#lent.size + this.#connecting.size === 0) this.#closeInstance()
  }

  #closeInstance(): void {
    for (const connection of this.#idle) connection.closeSync()
    this.#idle = []
    this.#state = 'closed'
    this.#instance.closeSync()
    this.#ended()
  }
}
