import { readFile } from 'node:fs/promises'
import type { ParsedArgs } from 'citty'
import { formatOf } from '../services/load/format.ts'
import { Failure, UsageError } from './failure.ts'
import { openSource } from './file.ts'
import { megabytes, showProgress } from './progress.ts'
import type { BadCell, LoadedResult } from './send.ts'
import { sendFile } from './send.ts'
import { serverArgs, serverOf } from './server.ts'

const SHOWN_CELLS = 10

const args = {
  file: { type: 'positional', description: 'A path, an http address, or - for standard input.', required: false },
  'resource-id': {
    type: 'string',
    alias: 'r',
    description: 'The table to fill; made when there is none.',
    valueHint: 'ID',
  },
  method: { type: 'string', description: 'insert, upsert or replace. insert by default.', valueHint: 'METHOD' },
  format: {
    type: 'string',
    description: 'csv, tsv, ndjson, json or parquet. Told by the name by default.',
    valueHint: 'FORMAT',
  },
  schema: {
    type: 'string',
    description: 'A Frictionless Table Schema: JSON, or the path of a file.',
    valueHint: 'SCHEMA',
  },
  'on-error': { type: 'string', description: 'abort, or skip bad rows. abort by default.', valueHint: 'WHAT' },
  encoding: { type: 'string', description: 'utf-8, utf-16le, utf-16be or latin1.', valueHint: 'ENCODING' },
  delimiter: {
    type: 'string',
    description: 'Between the cells of a csv file. Told by its first lines by default.',
    valueHint: 'CHAR',
  },
  force: { type: 'boolean', description: 'Write although the resource is read-only in the catalogue.' },
  ...serverArgs,
} as const

/** `load`: sends a file to `/datastore/load/<id>`. */
export const load = {
  meta: { name: 'ckan-datastore load', description: 'Fills a table from a file.' },
  args,
  async run(given: ParsedArgs<typeof args>): Promise<void> {
    const { file, 'resource-id': resourceId } = given
    if (!file) throw new UsageError('The file is missing: a path, an http address, or - for standard input.')
    if (!resourceId) throw new UsageError('--resource-id is missing: which table is to be filled?')
    const server = serverOf(given)
    const schema = await readSchema(given.schema)
    const source = await openSource(file)
    const url = server.url(`/datastore/load/${encodeURIComponent(resourceId)}`, {
      method: given.method,
      format: given.format ?? formatOf(undefined, source),
      schema,
      on_error: given['on-error'],
      encoding: given.encoding,
      delimiter: given.delimiter,
      force: given.force ? 'true' : undefined,
    })
    const progress = await showProgress({ total: source.size, quiet: given.json })
    try {
      const onEvent = ({ stage }: { stage?: string }) => {
        if (stage === 'received') progress.say('received; reading and storing it')
      }
      const done = await sendFile({
        url,
        headers: server.headers,
        ...source,
        onBytes: (bytes) => progress.add(bytes),
        onEvent,
      })
      progress.stop()
      if (given.json) process.stdout.write(`${JSON.stringify(done)}\n`)
      else report(resourceId, done.result as LoadedResult, done.warnings ?? [])
    } catch (error) {
      progress.stop()
      const cells = badCells(error)
      if (!given.json && cells.length > 1) process.stderr.write(describe(cells))
      throw error
    }
  },
}

async function readSchema(given: string | undefined): Promise<string | undefined> {
  if (given === undefined || given.trimStart().startsWith('{')) return given
  return readFile(given, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`The schema ${given} can't be read (${error.code}).`, { cause: error })
  })
}

function report(
  resourceId: string,
  { rows, rejected, total, bytes, seconds, bad_cells: cells = [], rejected_url: rejectedUrl }: LoadedResult,
  warnings: readonly string[],
): void {
  const speed = seconds > 0 ? `, ${megabytes(bytes / seconds)} MB/s` : ''
  process.stdout.write(
    `${rows} rows into ${resourceId}, which has ${total} now (${megabytes(bytes)} MB in ${seconds.toFixed(1)} s${speed})\n`,
  )
  for (const warning of warnings) process.stderr.write(`${warning}\n`)
  if (rejected > 0) process.stderr.write(`${rejected} rows were left out:\n${describe(cells)}`)
  if (rejectedUrl !== undefined) process.stderr.write(`All of them, for 24 hours: ${rejectedUrl}\n`)
}

function badCells(error: unknown): BadCell[] {
  const detail = (error as { detail?: { error?: { bad_cells?: BadCell[] } } }).detail
  return detail?.error?.bad_cells ?? []
}

function describe(cells: readonly BadCell[]): string {
  const shown = cells.slice(0, SHOWN_CELLS).map(({ row, line, column, sentence }) => {
    const place = line === undefined ? `row ${row}` : `line ${line}`
    return `  ${place}${column === undefined ? '' : `, column "${column}"`}: ${sentence}\n`
  })
  const more = cells.length > SHOWN_CELLS ? '  …\n' : ''
  return shown.join('') + more
}
