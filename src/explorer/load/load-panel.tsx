import { useEffect, useId, useState } from 'preact/hooks'
import { ApiError } from '../api/call.ts'
import { isTaken, type ListedTable, type TableInfo } from '../api/tables.ts'
import { told } from '../branding.ts'
import { tableHref } from '../route.ts'
import { bytes, tableNameOf } from '../ui/format.ts'
import { ErrorNotice } from '../ui/notice.tsx'
import { BadCells } from './bad-cells.tsx'
import { DropZone } from './drop-zone.tsx'
import { LoadDone } from './load-done.tsx'
import { type BadCell, type LoadedFile, type LoadRequest, type Progress, STAGES, sendFile } from './send-file.ts'

type Method = LoadRequest['method']

interface State {
  progress?: Progress
  done?: { result: LoadedFile; warnings: readonly string[] }
  error?: Error
}

const METHODS: Record<Method, string> = {
  insert: 'Append to the rows that are there',
  upsert: 'Update rows with the same key, append the others',
  replace: 'Replace all rows',
}

interface Panel {
  table?: TableInfo
  /** Those whose names a new one can't have. */
  tables?: readonly ListedTable[]
  onLoaded(): void
}

/** A file into a table: into a new one, unless a table is given. */
export function LoadPanel({ table, tables, onLoaded }: Panel) {
  const [file, setFile] = useState<File>()
  const [name, setName] = useState('')
  const [method, setMethod] = useState<Method>('insert')
  const [skip, setSkip] = useState(false)
  const [state, setState] = useState<State>({})
  const [running, setRunning] = useState<AbortController>()
  const nameId = useId()
  useEffect(() => () => running?.abort(), [running])

  const take = (taken: File) => {
    setFile(taken)
    setState({})
    if (!table) setName(tableNameOf(taken.name))
  }
  const id = table?.id ?? name.trim()
  const tooLarge = file !== undefined && file.size > Number(told.maxLoadMb ?? Number.POSITIVE_INFINITY) * 1024 * 1024
  const namesake = running ? undefined : tables?.find((known) => known.id === id || known.aliases.includes(id))
  const start = async () => {
    if (!file) return
    const controller = new AbortController()
    setRunning(controller)
    setState({ progress: { sent: 0, stage: 'sending' } })
    try {
      // Somebody may have made one since the list was read: a load would append to it.
      if (!table && (await isTaken(id, controller.signal)))
        throw new Error(`There is a table “${id}” now. Choose another name.`)
      const onProgress = (progress: Progress) => setState({ progress })
      setState({ done: await sendFile({ file, id, method, skip }, onProgress, controller.signal) })
      setFile(undefined)
      onLoaded()
    } catch (error) {
      setState({ error: controller.signal.aborted ? new Error('Canceled. Nothing was stored.') : (error as Error) })
    }
    setRunning(undefined)
  }
  const badCells = state.error instanceof ApiError ? (state.error.detail.bad_cells as BadCell[] | undefined) : undefined

  return (
    <div class="load">
      <DropZone disabled={running !== undefined} makesTable={table === undefined} onFile={take} />
      {file && (
        <form
          class="load-form"
          onSubmit={(event) => {
            event.preventDefault()
            void start()
          }}
        >
          <p>
            <strong dir="auto">{file.name}</strong> <span class="soft">{bytes(file.size)}</span>
          </p>
          {tooLarge && <p role="alert">The server takes files of {told.maxLoadMb} MB at most.</p>}
          {!table && (
            <p>
              <label for={nameId}>Name of the table</label>
              <input
                id={nameId}
                required
                value={name}
                disabled={running !== undefined}
                onInput={(event) => setName(event.currentTarget.value)}
              />
            </p>
          )}
          {namesake && (
            <p role="alert">
              There is a table of this name. Choose another one, or{' '}
              <a href={tableHref(namesake.id, { tab: 'load' })}>load into that table</a>.
            </p>
          )}
          {table && (
            <fieldset disabled={running !== undefined}>
              <legend>Rows of the file</legend>
              {(Object.keys(METHODS) as Method[]).map((item) => (
                <label key={item}>
                  <input
                    type="radio"
                    name="method"
                    checked={method === item}
                    disabled={item === 'upsert' && table.primaryKey.length === 0}
                    onChange={() => setMethod(item)}
                  />
                  {METHODS[item]}
                  {item === 'upsert' && table.primaryKey.length === 0 && <small> (this table has no key)</small>}
                </label>
              ))}
            </fieldset>
          )}
          <label class="check">
            <input
              type="checkbox"
              checked={skip}
              disabled={running !== undefined}
              onChange={(event) => setSkip(event.currentTarget.checked)}
            />
            Leave bad rows out; without this one bad cell stops the load
          </label>
          <div class="row">
            <button
              type="submit"
              class="primary"
              disabled={running !== undefined || id === '' || tooLarge || namesake !== undefined}
            >
              Load
            </button>
            {running && (
              <button type="button" onClick={() => running.abort()}>
                Cancel
              </button>
            )}
          </div>
        </form>
      )}
      {state.progress && <ProgressBar progress={state.progress} />}
      {state.error && <ErrorNotice error={state.error} />}
      {badCells && <BadCells cells={badCells} />}
      {state.done && <LoadDone {...state.done} isNew={!table} />}
    </div>
  )
}

function ProgressBar({ progress: { sent, stage } }: { progress: Progress }) {
  const percent = Math.round(sent * 100)
  const isSending = stage === 'sending' && sent < 1
  return (
    <div class="progress">
      <progress max={100} {...(isSending && { value: percent })} aria-label="Load" />
      <p role="status">
        {isSending ? `${STAGES.sending}: ${percent} %` : STAGES[stage === 'sending' ? 'received' : stage]}
      </p>
    </div>
  )
}
