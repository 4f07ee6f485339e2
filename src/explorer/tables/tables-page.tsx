import { useMemo, useRef, useState } from 'preact/hooks'
import { describe, type ListedTable, listTables } from '../api/tables.ts'
import { isOpen, token } from '../api/token.ts'
import { px, useVirtual } from '../grid/use-virtual.ts'
import { LoadPanel } from '../load/load-panel.tsx'
import { tableHref } from '../route.ts'
import { ago, bytes, count, when } from '../ui/format.ts'
import { Busy, Empty, ErrorNotice } from '../ui/notice.tsx'
import { useLoad } from '../ui/use-load.ts'

/** Every table that one may read, and a place to drop a new one. */
export function TablesPage() {
  const { data: tables, error, loading, reload } = useLoad(`tables ${token.value}`, listTables)
  const [wanted, setWanted] = useState('')
  const found = useMemo(() => tables?.filter((table) => matches(table, wanted)), [tables, wanted])
  return (
    <div class="page">
      <div class="title-row">
        <h1>Tables</h1>
        {tables && tables.length > 0 && (
          <input
            type="search"
            aria-label="Find a table"
            placeholder="Find a table"
            value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)}
          />
        )}
      </div>
      {error && <ErrorNotice error={error} retry={reload} />}
      {loading && !tables && <Busy what="Looking for tables" />}
      {tables?.length === 0 && (
        <Empty title="There are no tables here yet">
          <p>{whyNone()}</p>
        </Empty>
      )}
      {tables && found?.length === 0 && tables.length > 0 && <p class="soft">No table is called so.</p>}
      {found && found.length > 0 && <TableList tables={found} />}
      <section class="new-table">
        <h2>New table from a file</h2>
        <LoadPanel tables={tables} onLoaded={reload} />
      </section>
    </div>
  )
}

/** What nobody may know of is not listed, whoever asks with a token that is not valid. */
function whyNone(): string {
  if (isOpen) return 'Drop a file below to make one.'
  return token.value
    ? 'Or none that this token may read: is it still valid? Drop a file below to make one.'
    : 'Or none that may be read without a token.'
}

function matches({ id, aliases }: ListedTable, wanted: string): boolean {
  return [id, ...aliases].some((name) => name.toLowerCase().includes(wanted.trim().toLowerCase()))
}

const ROW = 49

/** A row for each table; those out of sight are neither in the page nor asked about. */
function TableList({ tables }: { tables: readonly ListedTable[] }) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtual({
    count: tables.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 6,
  })
  return (
    <div class="table-list" role="table" aria-label="Tables" aria-rowcount={tables.length + 1}>
      <div class="list-row head" role="row" aria-rowindex={1}>
        <span role="columnheader">Name</span>
        <span role="columnheader">Rows</span>
        <span role="columnheader">Size</span>
        <span role="columnheader">Updated</span>
      </div>
      <div ref={scroller} class="list-scroll" role="presentation">
        <div class="list-body" role="rowgroup" style={{ height: px(virtual.getTotalSize()) }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const table = tables[index]
            return table && <TableRow key={table.id} table={table} index={index} top={start} />
          })}
        </div>
      </div>
    </div>
  )
}

function TableRow({ table, index, top }: { table: ListedTable; index: number; top: number }) {
  const { data: info, error } = useLoad(`${table.id} ${token.value}`, (signal) => describe(table.id, signal))
  const missing = error ? '–' : '…'
  return (
    <div class="list-row" role="row" aria-rowindex={index + 2} style={{ top: px(top) }}>
      <span role="cell">
        <a href={tableHref(table.id)} dir="auto">
          {table.id}
        </a>
        {table.aliases.length > 0 && <small dir="auto"> {table.aliases.join(', ')}</small>}
      </span>
      <span role="cell">{info ? count(info.count) : missing}</span>
      <span role="cell">{info ? (info.size > 0 ? bytes(info.size) : '–') : missing}</span>
      <span role="cell">{info?.updated ? <time title={when(info.updated)}>{ago(info.updated)}</time> : missing}</span>
    </div>
  )
}
