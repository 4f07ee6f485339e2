import { useRef, useState } from 'preact/hooks'

/** What the file chooser offers. */
const ENDINGS = '.csv,.tsv,.txt,.json,.ndjson,.jsonl,.parquet,.gz'

interface Zone {
  disabled: boolean
  /** Whether the file makes a table, or goes into one. */
  makesTable: boolean
  onFile(file: File): void
}

/** A place to drop a file, and a button for those who don't drag. */
export function DropZone({ disabled, makesTable, onFile }: Zone) {
  const [over, setOver] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const take = (files: FileList | null | undefined) => {
    const file = files?.[0]
    if (file && !disabled) onFile(file)
  }
  return (
    <div
      class={`drop ${over ? 'over' : ''}`}
      role="group"
      aria-label="Choose a file"
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        take(event.dataTransfer?.files)
      }}
    >
      <p>
        Drop a file here, or{' '}
        <button type="button" disabled={disabled} onClick={() => input.current?.click()}>
          choose one
        </button>
      </p>
      <p class="soft">
        CSV, TSV, JSON, NDJSON or Parquet, also packed with gzip.{' '}
        {makesTable ? 'Columns and types are found in it.' : "Its columns are this table's, by their names."}
      </p>
      <input
        ref={input}
        class="sr-only"
        type="file"
        accept={ENDINGS}
        tabIndex={-1}
        aria-label="File"
        disabled={disabled}
        onChange={(event) => {
          take(event.currentTarget.files)
          event.currentTarget.value = ''
        }}
      />
    </div>
  )
}
