import { useMemo, useState } from 'preact/hooks'
import { search, type TableInfo } from '../api/tables.ts'
import { token } from '../api/token.ts'
import { ChartPanel } from '../chart/chart-panel.tsx'
import { Grid } from '../grid/grid.tsx'
import { RecordDialog } from '../grid/record-dialog.tsx'
import { setQuery } from '../route.ts'
import { Busy, Empty, ErrorNotice } from '../ui/notice.tsx'
import { useLoad } from '../ui/use-load.ts'
import { FilterBar } from './filter-bar.tsx'
import { Pager } from './pager.tsx'
import { nextSort, pageParams, type View } from './view.ts'

/** The rows of a table, a page at a time. */
export function DataPanel({ table, view }: { table: TableInfo; view: View }) {
  const [opened, setOpened] = useState<number>()
  const [charted, setCharted] = useState(false)
  const { hidden } = view
  const columns = useMemo(
    () => ['_id', ...table.fields.map(({ id }) => id).filter((id) => !hidden.includes(id))],
    [table.fields, hidden.join('\n')],
  )
  const params = pageParams(table.id, view, columns)
  const key = `${JSON.stringify(params)} ${table.updated?.valueOf()} ${token.value}`
  const { data: found, error, loading, reload } = useLoad(key, (signal) => search(params, signal))
  const offset = (view.page - 1) * view.size
  const record = opened === undefined ? undefined : found?.records[opened]
  return (
    <>
      <FilterBar fields={table.fields} view={view} />
      {error && <ErrorNotice error={error} retry={reload} />}
      {!found && !error && <Busy what="Reading rows" />}
      {found && found.records.length === 0 && !loading && <NoRows table={table} />}
      {found && found.records.length > 0 && (
        <>
          {charted && <ChartPanel fields={found.fields} rows={found.records} />}
          <Grid
            label={`Rows of ${table.id}. Arrow keys move, Enter opens a row or sorts by a column.`}
            fields={found.fields}
            rows={found.records}
            offset={offset}
            total={found.total}
            sort={view.sort}
            onSort={(column) => setQuery({ sort: nextSort(view.sort, column), page: '' })}
            onOpen={setOpened}
            busy={loading}
          />
          <div class="grid-foot">
            <Pager view={view} shown={found.records.length} total={found.total} />
            <button type="button" aria-pressed={charted} onClick={() => setCharted(!charted)}>
              Chart
            </button>
          </div>
        </>
      )}
      {record && found && (
        <RecordDialog
          title={`Row ${offset + (opened ?? 0) + 1}`}
          fields={found.fields}
          values={record}
          onClose={() => setOpened(undefined)}
        />
      )}
    </>
  )
}

function NoRows({ table }: { table: TableInfo }) {
  if (table.count > 0) {
    return (
      <Empty title="No rows match">
        <p>Take a filter away, or search for other words.</p>
        <button type="button" onClick={() => setQuery({ f: '', q: '', page: '' })}>
          Show all rows
        </button>
      </Empty>
    )
  }
  return (
    <Empty title="This table has no rows yet">
      <button type="button" onClick={() => setQuery({ tab: 'load' })}>
        Load a file into it
      </button>
    </Empty>
  )
}
