import { ApiError, refusal } from '../api/call.ts'
import { tokenHeaders } from '../api/token.ts'
import { root } from '../branding.ts'

/** A cell that could not be stored. */
export interface BadCell {
  row: number
  line?: number
  column?: string
  value?: string
  sentence: string
}

export interface LoadedFile {
  resource_id: string
  rows: number
  rejected: number
  bad_cells?: BadCell[]
  rejected_url?: string
  total: number
  seconds: number
}

export interface LoadRequest {
  file: File
  id: string
  method: 'insert' | 'upsert' | 'replace'
  skip: boolean
}

/** How far a load is: sent, as a share from 0 to 1, and what the server does. */
export interface Progress {
  sent: number
  stage: 'sending' | 'received' | 'loading' | 'done'
}

interface ServerEvent {
  event: string
  stage?: Progress['stage']
  status?: number
  result?: LoadedFile
  error?: Record<string, unknown>
  warnings?: string[]
}

/** Sends a file and hears how it goes. Rejects with `ApiError`, or with an `AbortError` when it was given up. */
export function sendFile(
  { file, id, method, skip }: LoadRequest,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<{ result: LoadedFile; warnings: readonly string[] }> {
  const query = new URLSearchParams({ method, on_error: skip ? 'skip' : 'abort' })
  const format = formatOf(file.name)
  if (format) query.set('format', format)
  // Not `fetch`: it does not tell how much of a body was sent.
  const request = new XMLHttpRequest()
  request.open('POST', `${root}/datastore/load/${encodeURIComponent(id)}?${query}`)
  request.setRequestHeader('Accept', 'application/x-ndjson')
  request.setRequestHeader('Content-Type', 'application/octet-stream')
  for (const [name, value] of Object.entries(tokenHeaders())) request.setRequestHeader(name, value)
  return new Promise((resolve, reject) => {
    let progress: Progress = { sent: 0, stage: 'sending' }
    const tell = (change: Partial<Progress>) => {
      progress = { ...progress, ...change }
      onProgress(progress)
    }
    signal.addEventListener('abort', () => request.abort())
    request.upload.onprogress = ({ loaded }) => tell({ sent: file.size === 0 ? 1 : loaded / file.size })
    request.onprogress = () => {
      const stage = events(request.responseText).findLast((event) => event.event === 'stage')?.stage
      if (stage && stage in STAGES) tell({ stage })
    }
    request.onabort = () => reject(new DOMException('Given up', 'AbortError'))
    request.onerror = () => reject(lost())
    request.onload = () => {
      const last = events(request.responseText).at(-1)
      if (last?.event === 'done' && last.result) return resolve({ result: last.result, warnings: last.warnings ?? [] })
      if (last?.event === 'error') return reject(refusal(last.status ?? 0, last))
      if (request.status >= 400) return reject(refusal(request.status, last ?? request.responseText))
      reject(lost())
    }
    request.send(file)
  })
}

/** The stages of a load, in the words of people. */
export const STAGES: Record<Progress['stage'], string> = {
  sending: 'Sending',
  received: 'Reading the file',
  loading: 'Storing the rows',
  done: 'Done',
}

function lost(): ApiError {
  return new ApiError(
    'The connection broke before the server said how the load ended. Look at the table before you send the file again.',
    0,
  )
}

/** The whole lines of an answer that is still coming. */
function events(text: string): ServerEvent[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line.trim() === '' ? [] : [JSON.parse(line) as ServerEvent]
    } catch {
      return []
    }
  })
}

function formatOf(name: string): string | undefined {
  const ending = /\.(csv|tsv|ndjson|jsonl|json|parquet)(\.gz)?$/i.exec(name)?.[1]?.toLowerCase()
  return ending === 'jsonl' ? 'ndjson' : ending
}
