import { useState } from 'preact/hooks'
import { saveFile } from '../api/tables.ts'
import { tableHref } from '../route.ts'
import { count, rows } from '../ui/format.ts'
import { ErrorNotice } from '../ui/notice.tsx'
import { BadCells } from './bad-cells.tsx'
import type { LoadedFile } from './send-file.ts'

interface LoadDoneProps {
  result: LoadedFile
  warnings: readonly string[]
  isNew: boolean
}

/** How a load ended. */
export function LoadDone({ result, warnings, isNew }: LoadDoneProps) {
  const [error, setError] = useState<Error>()
  const { resource_id: id, rejected_url: url } = result
  const path = url && `/datastore/load/${encodeURIComponent(id)}/rejected/${url.slice(url.lastIndexOf('/') + 1)}`
  return (
    <>
      <div class="notice good" role="status">
        <p>
          {rows(result.rows)} stored in {result.seconds.toFixed(2)} s; the table has {count(result.total)} now.
          {result.rejected > 0 && ` ${rows(result.rejected)} left out.`}
        </p>
        {warnings.map((warning) => (
          <p key={warning}>{warning}</p>
        ))}
        <p class="row">
          <a class="button primary" href={tableHref(id)}>
            {isNew ? 'Open the table' : 'See the rows'}
          </a>
          {path && (
            <button type="button" onClick={() => void saveFile(path, `${id}-rejected.csv`).catch(setError)}>
              Download the rows that were left out
            </button>
          )}
        </p>
      </div>
      {error && <ErrorNotice error={error} />}
      {result.bad_cells && <BadCells cells={result.bad_cells} />}
    </>
  )
}
