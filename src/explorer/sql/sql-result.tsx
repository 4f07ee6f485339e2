import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { SqlFound } from '../api/tables.ts'
import { ChartPanel } from '../chart/chart-panel.tsx'
import { Grid } from '../grid/grid.tsx'
import { RecordDialog } from '../grid/record-dialog.tsx'
import { DownloadList, FORMATS } from '../tables/download-panel.tsx'
import { ProgramPanel } from '../tables/program-panel.tsx'
import { rows } from '../ui/format.ts'
import { Empty } from '../ui/notice.tsx'

const VIEWS = { rows: 'Rows', chart: 'Chart', download: 'Download', api: 'Use in a program' }
type ResultView = keyof typeof VIEWS

/** The rows that a statement found, as a grid, a chart, files or a program. */
export function SqlResult({ sql, found, seconds }: { sql: string; found: SqlFound; seconds: number }) {
  const [view, setView] = useState<ResultView>('rows')
  const [opened, setOpened] = useState<number>()
  const { fields, records } = found
  const record = opened === undefined ? undefined : records[opened]
  const views: Record<ResultView, () => ComponentChildren> = {
    rows: () => {
      if (records.length === 0) return <Empty title="No rows" />
      const label = 'Rows of the result. Arrow keys move, Enter opens a row.'
      return <Grid label={label} fields={fields} rows={records} onOpen={setOpened} />
    },
    chart: () => <ChartPanel fields={fields} rows={records} />,
    download: () => (
      <div class="narrow">
        <p class="soft">All rows of the result, also those that are too many to be shown.</p>
        <DownloadList name="query" formats={FORMATS.filter(([format]) => format !== 'xml')} pathOf={pathOf} />
      </div>
    ),
    api: () => <ProgramPanel action="datastore_search_sql" params={{ sql }} />,
  }
  const pathOf = (format: string) => `/datastore/dump/query?${new URLSearchParams({ sql, format })}`
  return (
    <section class="result" aria-label="Result">
      <div class="row">
        <p role="status">
          {rows(records.length)} in {seconds.toFixed(2)} s
          {found.records_truncated && ': only the first are shown, a download has all'}
        </p>
        <fieldset class="choices">
          <legend class="sr-only">Show the result as</legend>
          {(Object.keys(VIEWS) as ResultView[]).map((name) => (
            <label key={name}>
              <input type="radio" name="view" checked={name === view} onChange={() => setView(name)} />
              {VIEWS[name]}
            </label>
          ))}
        </fieldset>
      </div>
      {views[view]()}
      {record && (
        <RecordDialog
          title={`Row ${(opened ?? 0) + 1}`}
          fields={fields}
          values={record}
          onClose={() => setOpened(undefined)}
        />
      )}
    </section>
  )
}
