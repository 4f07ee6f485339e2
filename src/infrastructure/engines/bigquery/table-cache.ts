import type { State, StoredTable } from './metadata.ts'

/** A table as last seen, and when and how it was last found unchanged. */
export interface SeenTable {
  table: StoredTable
  /** When Google was last asked whether somebody else has written; 0: not yet. */
  checkedAt: number
  /** Google's time of the last change that belongs to this very revision, where it is known. */
  lastModifiedTime?: number | undefined
  /** Why the table can't be used as it now is. */
  problem?: string | undefined
  /** The look that is under way. */
  looking?: Promise<StoredTable | undefined> | undefined
}

/** Tables as last read or written by this process, by their ids; aliases lead to them. Others may write, too. */
export class TableCache {
  readonly #tables = new Map<string, SeenTable>()
  readonly #aliases = new Map<string, string>()
  /** Tables of the Python service that can't be used, each with the time of its last change and why. */
  readonly refused = new Map<string, { lastModifiedTime: number; problem: string }>()

  get(name: string): SeenTable | undefined {
    return this.#tables.get(name) ?? this.#tables.get(this.#aliases.get(name) ?? '')
  }

  /** Keeps a table unless a newer state of it is known. */
  set(table: StoredTable): SeenTable {
    const known = this.#tables.get(table.id)
    if (known && known.table.revision > table.revision) return known
    this.#forgetAliases(table.id)
    const seen = known?.table.revision === table.revision ? known : { table, checkedAt: 0 }
    seen.table = table
    this.#tables.set(table.id, seen)
    for (const alias of table.aliases) this.#aliases.set(alias, table.id)
    return seen
  }

  /** What a statement has seen of a table whose schema still stands. */
  refresh(id: string, state: State): void {
    const known = this.#tables.get(id)
    if (!known || known.table.revision >= state.revision) return
    known.table = { ...known.table, ...state }
    known.lastModifiedTime = undefined
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
