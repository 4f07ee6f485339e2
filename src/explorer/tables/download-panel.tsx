import { useState } from 'preact/hooks'
import { saveFile, type TableInfo } from '../api/tables.ts'
import { token } from '../api/token.ts'
import { root } from '../branding.ts'
import { ErrorNotice } from '../ui/notice.tsx'
import { selectionOf, type View } from './view.ts'

/** The formats that a table can be downloaded in: name, file ending, who likes it. */
export const FORMATS: readonly (readonly [format: string, ending: string, label: string, words: string])[] = [
  ['csv', 'csv', 'CSV', 'Spreadsheets, and nearly everything else'],
  ['gzip', 'csv.gz', 'CSV, compressed', 'The same, smaller'],
  ['parquet', 'parquet', 'Parquet', 'DuckDB, pandas, R, Spark: small, with types'],
  ['json', 'json', 'JSON', 'Columns and rows in one document'],
  ['ndjson', 'ndjson', 'NDJSON', 'One JSON object a line'],
  ['tsv', 'tsv', 'TSV', 'Tabs between the cells'],
  ['xml', 'xml', 'XML', 'Programs that ask for it'],
]

/** The address of a download, from the root of the API. */
export function dumpPath(id: string, format: string, view?: View): string {
  const { resource_id: _, filters, q, ...rest } = view ? selectionOf(id, view) : { resource_id: id }
  const query = new URLSearchParams({ format })
  if (filters) query.set('filters', JSON.stringify(filters))
  if (q) query.set('q', JSON.stringify(q))
  for (const [name, value] of Object.entries(rest)) query.set(name, String(value))
  return `/datastore/dump/${encodeURIComponent(id)}?${query}`
}

/** Downloads in every format: of the whole table, or of the rows that are being looked at. */
export function DownloadPanel({ table, view }: { table: TableInfo; view: View }) {
  const isNarrowed = view.conditions.length > 0 || view.words !== '' || view.sort !== undefined
  const [narrowed, setNarrowed] = useState(isNarrowed)
  return (
    <div class="narrow">
      {isNarrowed && (
        <label class="check">
          <input type="checkbox" checked={narrowed} onChange={(event) => setNarrowed(event.currentTarget.checked)} />
          Only the rows that match the filters, in their order
        </label>
      )}
      <DownloadList
        name={table.id}
        formats={FORMATS}
        pathOf={(format) => dumpPath(table.id, format, narrowed ? view : undefined)}
      />
    </div>
  )
}

interface DownloadListProps {
  name: string
  formats: typeof FORMATS
  pathOf(format: string): string
}

/** A link for each format; with a token the file is fetched first, as links carry none. */
export function DownloadList({ name, formats, pathOf }: DownloadListProps) {
  const [busy, setBusy] = useState('')
  const [error, setError] = useState<Error>()
  const save = async (format: string, ending: string) => {
    setBusy(format)
    setError(undefined)
    await saveFile(pathOf(format), `${name}.${ending}`).catch(setError)
    setBusy('')
  }
  return (
    <>
      {error && <ErrorNotice error={error} />}
      <ul class="downloads">
        {formats.map(([format, ending, label, words]) => (
          <li key={format}>
            {token.value ? (
              <button type="button" disabled={busy !== ''} onClick={() => save(format, ending)}>
                {busy === format ? 'Fetching…' : label}
              </button>
            ) : (
              <a class="button" href={`${root}${pathOf(format)}`} download={`${name}.${ending}`}>
                {label}
              </a>
            )}
            <span>{words}</span>
          </li>
        ))}
      </ul>
    </>
  )
}
