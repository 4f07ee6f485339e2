import { useEffect, useRef, useState } from 'preact/hooks'
import { type SqlFound, searchSql } from '../api/tables.ts'
import { route, setQuery } from '../route.ts'
import { Busy } from '../ui/notice.tsx'
import { errorPlace } from './error-place.ts'
import { SqlResult } from './sql-result.tsx'

const EXAMPLE = 'SELECT *\nFROM "table-name"\nLIMIT 100'

interface Ran {
  sql: string
  found?: SqlFound
  error?: Error
  seconds: number
}

/** A box for SQL: run, cancel, the result, or where the mistake is. */
export function SqlPage() {
  const [sql, setSql] = useState(route.value.query.get('sql') ?? EXAMPLE)
  const [running, setRunning] = useState<AbortController>()
  const [ran, setRan] = useState<Ran>()
  const editor = useRef<HTMLTextAreaElement>(null)

  // A link into the page, or the way back to it.
  const asked = route.value.query.get('sql')
  useEffect(() => {
    if (asked !== null) setSql(asked)
  }, [asked])
  useEffect(() => () => running?.abort(), [running])

  const run = async () => {
    const controller = new AbortController()
    const started = performance.now()
    const seconds = () => (performance.now() - started) / 1000
    setRunning(controller)
    setQuery({ sql }, { replace: true })
    try {
      const found = await searchSql(sql, controller.signal)
      setRan({ sql, found, seconds: seconds() })
    } catch (error) {
      const canceled = controller.signal.aborted
      setRan({ sql, error: canceled ? new Error('Canceled.') : (error as Error), seconds: seconds() })
    }
    setRunning(undefined)
  }

  return (
    <div class="page fills">
      <h1>SQL</h1>
      <div class="editor">
        <label class="sr-only" for="sql">
          Statement
        </label>
        <textarea
          id="sql"
          ref={editor}
          value={sql}
          rows={6}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          aria-describedby="sql-help"
          onInput={(event) => setSql(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
            event.preventDefault()
            if (!running) void run()
          }}
        />
        <div class="row">
          <button type="button" class="primary" disabled={running !== undefined || sql.trim() === ''} onClick={run}>
            Run
          </button>
          <button type="button" disabled={running === undefined} onClick={() => running?.abort()}>
            Cancel
          </button>
          <span id="sql-help" class="soft">
            One SELECT. Table names stand in double quotes. Ctrl+Enter runs it.
          </span>
        </div>
      </div>
      {running && <Busy what="Running" />}
      {!running && ran?.error && <Mistake ran={ran} editor={editor.current} />}
      {!running && ran?.found && <SqlResult sql={ran.sql} found={ran.found} seconds={ran.seconds} />}
    </div>
  )
}

/** What is wrong with a statement, and the line where it is. */
function Mistake({ ran: { error, sql }, editor }: { ran: Ran; editor: HTMLTextAreaElement | null }) {
  const message = error?.message ?? ''
  const place = errorPlace(message, sql)
  const line = place && sql.split('\n')[place.line - 1]
  const show = () => {
    if (!place || !editor) return
    editor.focus()
    editor.setSelectionRange(place.start, place.end)
  }
  return (
    <div class="notice bad" role="alert">
      <p>{message}</p>
      {place && line !== undefined && (
        <>
          <pre aria-hidden="true">{`${line}\n${' '.repeat(Math.max(0, place.column - 1))}^`}</pre>
          <button type="button" onClick={show}>
            Go to line {place.line}, column {place.column}
          </button>
        </>
      )}
    </div>
  )
}
