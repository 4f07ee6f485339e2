import type { ParsedArgs } from 'citty'
import { copy } from './copy.ts'
import { download } from './download.ts'
import { UsageError } from './failure.ts'
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
    const started = performance.now()
    if (output === undefined) return print(url, server.headers)
    let progress = await showProgress({ quiet: true })
    const quiet = given.json
    try {
      const bytes = await download({
        url,
        headers: server.headers,
        output,
        async onStart(there, total) {
          progress.stop()
          progress = await showProgress({ total, quiet })
          progress.add(there)
        },
        onBytes: (more) => progress.add(more),
        say: (text) => !quiet && progress.say(text),
      })
      progress.stop()
      const seconds = (performance.now() - started) / 1000
      process.stdout.write(
        given.json
          ? `${JSON.stringify({ file: output, bytes, seconds: Number(seconds.toFixed(3)) })}\n`
          : `${output}: ${megabytes(bytes)} MB in ${seconds.toFixed(1)} s\n`,
      )
    } finally {
      progress.stop()
    }
  },
}

async function print(url: URL, headers: Record<string, string>): Promise<void> {
  const response = await fetch(url, { headers: { ...headers, 'Accept-Encoding': 'identity' } }).catch((error) => {
    throw unreachable(url, error)
  })
  if (!response.ok || !response.body) throw refusal(response.status, await response.text())
  await copy(response.body, process.stdout, () => {})
}
