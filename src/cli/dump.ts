import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import type { ParsedArgs } from 'citty'
import { drained } from './drained.ts'
import { Failure, UsageError } from './failure.ts'
import { megabytes, showProgress } from './progress.ts'
import { refusal, serverArgs, serverOf, unreachable } from './server.ts'

const EXTENSIONS: Readonly<Record<string, string>> = {
  tsv: 'tsv',
  json: 'json',
  xml: 'xml',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  parquet: 'parquet',
  gz: 'gzip',
}

const args = {
  id: { type: 'positional', description: 'Id or alias of the table.', required: false },
  output: {
    type: 'string',
    alias: 'o',
    description: 'The file to write; standard output by default.',
    valueHint: 'FILE',
  },
  format: {
    type: 'string',
    description: "csv, tsv, json, xml, ndjson, parquet or gzip. Told by the file's name, else csv.",
    valueHint: 'FORMAT',
  },
  fields: {
    type: 'string',
    description: 'Columns, separated by commas. All, and _id, by default.',
    valueHint: 'NAMES',
  },
  filters: { type: 'string', description: 'A JSON object: {"column": "value"}.', valueHint: 'JSON' },
  q: { type: 'string', description: 'Full-text search.', valueHint: 'TEXT' },
  sort: { type: 'string', description: 'column [asc|desc], …. By _id by default.', valueHint: 'CLAUSES' },
  limit: { type: 'string', description: 'Rows at most.', valueHint: 'ROWS' },
  offset: { type: 'string', description: 'Rows to skip.', valueHint: 'ROWS' },
  ...serverArgs,
} as const

/** `dump`: writes `/datastore/dump/<id>` to a file, which is there when it is complete. */
export const dump = {
  meta: { name: 'ckan-datastore dump', description: 'Writes a table to a file.' },
  args,
  async run(given: ParsedArgs<typeof args>): Promise<void> {
    const { id, output, fields, filters, q, sort, limit, offset } = given
    if (!id) throw new UsageError('The table is missing: which one is to be written?')
    const server = serverOf(given)
    const extension = /\.([a-z]+)$/i.exec(output ?? '')?.[1]?.toLowerCase() ?? ''
    const format = given.format ?? EXTENSIONS[extension]
    const url = server.url(`/datastore/dump/${encodeURIComponent(id)}`, {
      format,
      fields,
      filters,
      q,
      sort,
      limit,
      offset,
    })
    const response = await fetch(url, { headers: { ...server.headers, 'Accept-Encoding': 'identity' } }).catch(
      (error) => {
        throw unreachable(url, error)
      },
    )
    if (!response.ok || !response.body) throw refusal(response.status, await response.text())
    const length = response.headers.get('content-length')
    const progress = await showProgress({
      ...(length !== null && { total: Number(length) }),
      quiet: given.json || output === undefined,
    })
    const started = performance.now()
    try {
      const bytes = await writeTo(output, response.body, (more) => progress.add(more))
      progress.stop()
      const seconds = (performance.now() - started) / 1000
      if (given.json && output !== undefined)
        process.stdout.write(`${JSON.stringify({ file: output, bytes, seconds: Number(seconds.toFixed(3)) })}\n`)
      else if (output !== undefined)
        process.stdout.write(`${output}: ${megabytes(bytes)} MB in ${seconds.toFixed(1)} s\n`)
    } finally {
      progress.stop()
    }
  },
}

async function writeTo(
  output: string | undefined,
  body: ReadableStream<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<number> {
  if (output === undefined) return copy(body, process.stdout, onBytes)
  const part = `${output}.part`
  const file = createWriteStream(part)
  try {
    await once(file, 'open').catch((error: NodeJS.ErrnoException) => {
      throw new Failure(`${part} can't be written (${error.code}).`, { cause: error })
    })
    const bytes = await copy(body, file, onBytes)
    file.end()
    await once(file, 'close')
    await rename(part, output)
    return bytes
  } catch (error) {
    file.destroy()
    await rm(part, { force: true })
    throw error
  }
}

async function copy(
  body: ReadableStream<Uint8Array>,
  file: Writable,
  onBytes: (bytes: number) => void,
): Promise<number> {
  const reader = body.getReader()
  let failure: NodeJS.ErrnoException | undefined
  const noteFailure = (error: NodeJS.ErrnoException) => {
    failure = error
  }
  file.on('error', noteFailure)
  let bytes = 0
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw new Failure(`The download broke off after ${megabytes(bytes)} MB: the file is not complete.`, {
        cause: error,
      })
    })
    if (done) return bytes
    if (!file.write(value)) await drained(file)
    if (failure) {
      await reader.cancel().catch(() => {})
      throw new Failure(`The file can't be written after ${megabytes(bytes)} MB (${failure.code}).`, { cause: failure })
    }
    bytes += value.length
    onBytes(value.length)
  }
}
