import type { State, StoredTable } from './metadata.ts'

/** A table as last seen, and when and how it was last found unchanged. */
export interface SeenTable {
  table: StoredTable
  checkedAt: number
  /** Google's time of the last change, where it has been asked for since the table was read. */
  lastModifiedTime?: number
}

/** Tables as last read or written by this process, by their ids; aliases lead to them. Others may write, too. */
export class TableCache {
  readonly #tables = new Map<string, SeenTable>()
  readonly #aliases = new Map<string, string>()

  get(name: string): SeenTable | undefined {
    return this.#tables.get(name) ?? this.#tables.get(this.#aliases.get(name) ?? '')
  }

  /** Keeps a table unless a newer state of it is known. */
  set(table: StoredTable): void {
    const known = this.#tables.get(table.id)?.table
    if (known && known.revision > table.revision) return
    this.#forgetAliases(table.id)
    this.#tables.set(table.id, { table, checkedAt: Date.now() })
    for (const alias of table.aliases) this.#aliases.set(alias, table.id)
  }

  /** What a statement has seen of a table whose schema still stands. */
  refresh(id: string, state: State): void {
    const known = this.#tables.get(id)
    if (known && known.table.revision < state.revision) known.table = { ...known.table, ...state }
  }

  delete(id: string): void {
    this.#forgetAliases(id)
    this.#tables.delete(id)
  }

  #forgetAliases(id: string): void {
    for (const alias of this.#tables.get(id)?.table.aliases ?? [])
      if (this.#aliases.get(alias) === id) this.#aliases.delete(alias)
  }
}
