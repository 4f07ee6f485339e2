import type { ComponentChildren } from 'preact'
import { ApiError } from '../api/call.ts'
import { describe, type TableInfo } from '../api/tables.ts'
import { isOpen, token } from '../api/token.ts'
import { told } from '../branding.ts'
import { LoadPanel } from '../load/load-panel.tsx'
import { route, setQuery, sqlHref } from '../route.ts'
import { ago, bytes, rows, when } from '../ui/format.ts'
import { Busy, ErrorNotice } from '../ui/notice.tsx'
import { useLoad } from '../ui/use-load.ts'
import { DataPanel } from './data-panel.tsx'
import { Dictionary } from './dictionary.tsx'
import { DownloadPanel } from './download-panel.tsx'
import { ProgramPanel } from './program-panel.tsx'
import { readView, selectionOf } from './view.ts'

const TABS = { data: 'Data', dictionary: 'Dictionary', download: 'Download', api: 'Use in a program', load: 'Load' }
type Tab = keyof typeof TABS

/** One table: its rows, what its columns mean, and what can be done with it. */
export function TablePage({ id }: { id: string }) {
  const { data: table, error, loading, reload } = useLoad(`${id} ${token.value}`, (signal) => describe(id, signal))
  if (error) {
    return (
      <div class="page">
        <p class="path">
          <a href="#/">Tables</a> <span aria-hidden="true">/</span>
        </p>
        <h1 dir="auto">{id}</h1>
        <ErrorNotice error={isMissing(error) ? new Error(missing(id)) : error} retry={reload} />
      </div>
    )
  }
  if (!table || (loading && table.id !== id && !table.aliases.includes(id))) return <Busy what="Opening the table" />
  return <Table table={table} reload={reload} />
}

function isMissing(error: Error): boolean {
  return error instanceof ApiError && error.status === 404
}

function missing(id: string): string {
  const hidden = isOpen ? '' : ', or none that may be read by you'
  return `There is no table that is called “${id}”${hidden}.`
}

function Table({ table, reload }: { table: TableInfo; reload(): void }) {
  const { query } = route.value
  const asked = query.get('tab') ?? 'data'
  const tab: Tab = Object.hasOwn(TABS, asked) ? (asked as Tab) : 'data'
  const view = readView(query)
  const panels: Record<Tab, () => ComponentChildren> = {
    data: () => <DataPanel table={table} view={view} />,
    dictionary: () => <Dictionary table={table} />,
    download: () => <DownloadPanel table={table} view={view} />,
    api: () => <ProgramPanel action="datastore_search" params={{ ...selectionOf(table.id, view), limit: view.size }} />,
    load: () => <LoadPanel table={table} onLoaded={reload} />,
  }
  return (
    <div class={`page table-page ${tab === 'data' ? 'fills' : ''}`}>
      <TableHead table={table} />
      <div class="tabs" role="tablist" aria-label="Parts of the table">
        {(Object.keys(TABS) as Tab[]).map((name) => (
          <button
            key={name}
            id={`tab-${name}`}
            type="button"
            role="tab"
            aria-selected={name === tab}
            aria-controls="panel"
            tabIndex={name === tab ? 0 : -1}
            onClick={() => setQuery({ tab: name === 'data' ? '' : name })}
            onKeyDown={(event) => switchTab(event, tab)}
          >
            {TABS[name]}
          </button>
        ))}
      </div>
      <section id="panel" class="panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        {panels[tab]()}
      </section>
    </div>
  )
}

/** The arrow keys go from tab to tab. */
function switchTab(event: KeyboardEvent, tab: Tab): void {
  const names = Object.keys(TABS) as Tab[]
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
  if (step === undefined) return
  const next = names[(names.indexOf(tab) + step + names.length) % names.length] as Tab
  setQuery({ tab: next === 'data' ? '' : next })
  document.getElementById(`tab-${next}`)?.focus()
  event.preventDefault()
}

function TableHead({ table }: { table: TableInfo }) {
  const { id, count: total, size, updated, aliases, primaryKey } = table
  return (
    <header class="table-head">
      <p class="path">
        <a href="#/">Tables</a> <span aria-hidden="true">/</span>
      </p>
      <h1 dir="auto">{id}</h1>
      <ul class="facts">
        <li>{rows(total)}</li>
        <li>{table.fields.length} columns</li>
        {size > 0 && <li>{bytes(size)}</li>}
        {updated && <li title={when(updated)}>updated {ago(updated)}</li>}
        {primaryKey.length > 0 && <li>key: {primaryKey.join(', ')}</li>}
        {aliases.length > 0 && <li>also called {aliases.join(', ')}</li>}
        {told.sql === 'true' && (
          <li>
            <a href={sqlHref(`SELECT *\nFROM "${id}"\nLIMIT 100`)}>Query by SQL</a>
          </li>
        )}
      </ul>
    </header>
  )
}
