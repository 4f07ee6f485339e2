import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Dumped, DumpPlan } from '../engine.ts'
import type { Bucket } from './bucket.ts'
import { literal } from './gate/google-sql.ts'

/** A table, or the result of a statement, to be written to the bucket by BigQuery itself. */
export interface Export {
  /** Of one table: exports of its other versions are removed once a new one is made. */
  folder: string
  /** Of one version of its rows: what is there once is never exported again. */
  version: string
  format: 'csv' | 'ndjson' | 'parquet'
  /** The rows, as a query. Its order is that of the file. */
  query: string
  /** Values of its parameters. */
  params?: Readonly<Record<string, string>>
  /** Set where the client can be sent to the file: what stands in it before the rows, and what it is called. */
  file?: DumpPlan['file'] | undefined
}

/** Runs a statement that writes files to its end. */
export type RunExport = (sql: string, params: Readonly<Record<string, string>>) => Promise<void>

export interface ExportContext {
  bucket: Bucket
  run: RunExport
  /** How long the address of a file is good for. */
  urlHours: number
}

/** What the marker of a finished export says. */
interface Finished {
  /** One file with its header, or files of rows alone. */
  files: readonly { name: string; bytes: number }[]
  header: string
}

const formats = { csv: 'CSV', ndjson: 'JSON', parquet: 'PARQUET' } as const
const DONE = '.done'
const CLAIMED = '.claimed'
/** An export that took longer has died with its process. */
const CLAIM_MS = 15 * 60_000
const POLL_MS = 500

/** Exports of one engine. Of those who ask for the same one at the same time, here or elsewhere, one makes it. */
export class Exports {
  readonly #context: ExportContext
  readonly #running = new Map<string, Promise<Finished>>()

  constructor(context: ExportContext) {
    this.#context = context
  }

  /** The file, exported unless it is there: an address, or its rows as a stream. */
  async dump(wanted: Export): Promise<Dumped> {
    const prefix = prefixOf(wanted)
    const known = this.#running.get(prefix)
    const finished = await (known ?? this.#started(prefix, wanted))
    return this.#answer(finished, wanted)
  }

  #started(prefix: string, wanted: Export): Promise<Finished> {
    const work = this.#find(prefix, wanted).finally(() => this.#running.delete(prefix))
    this.#running.set(prefix, work)
    return work
  }

  async #find(prefix: string, wanted: Export): Promise<Finished> {
    const { bucket } = this.#context
    for (;;) {
      const done = await bucket.text(prefix + DONE)
      if (done !== undefined) return JSON.parse(done) as Finished
      if (await bucket.claim(prefix + CLAIMED, '')) return this.#make(prefix, wanted)
      const [claim] = await bucket.list(prefix + CLAIMED)
      if (claim && Date.now() - claim.createdAt > CLAIM_MS) await bucket.remove([claim.name])
      else await sleep(POLL_MS)
    }
  }

  async #make(prefix: string, wanted: Export): Promise<Finished> {
    const { bucket, run } = this.#context
    // A name of its own: whoever takes this export for dead and makes it again does not write into its files.
    const rows = `${prefix}rows-${randomUUID()}-`
    try {
      await run(exportStatement(`gs://${bucket.name}/${rows}*`, wanted), wanted.params ?? {})
      const shards = (await bucket.list(rows)).map(({ name, bytes }) => ({ name, bytes }))
      // Files are removed only where another has finished: what is listed is all, unless that one is there by now.
      const done = await bucket.text(prefix + DONE)
      if (done !== undefined) {
        await bucket.remove(shards.map(({ name }) => name))
        return JSON.parse(done) as Finished
      }
      const finished = await this.#composed(rows, shards, wanted)
      await bucket.save(prefix + DONE, JSON.stringify(finished), 'application/json')
      await this.#removeStale(prefix, finished, wanted)
      return finished
    } catch (error) {
      await bucket.remove([prefix + CLAIMED]).catch(() => {})
      throw error
    }
  }

  /** Other versions of the table but those that somebody exports just now, and what this version was made from. */
  async #removeStale(prefix: string, { files }: Finished, { folder, version }: Export): Promise<void> {
    const { bucket } = this.#context
    const all = await bucket.list(`${folder}/`)
    const folderOf = (name: string) => name.slice(0, name.lastIndexOf('/') + 1)
    const claimed = all.filter(({ name, createdAt }) => name.endsWith(CLAIMED) && Date.now() - createdAt < CLAIM_MS)
    const busy = new Set(claimed.map(({ name }) => folderOf(name)).filter((name) => name !== prefix))
    const kept = new Set([prefix + DONE, ...files.map(({ name }) => name)])
    const isStale = (name: string) =>
      name.startsWith(prefix) ? !kept.has(name) : !name.startsWith(`${folder}/${version}/`) && !busy.has(folderOf(name))
    await bucket.remove(all.map(({ name }) => name).filter(isStale))
  }

  /** The header and the files of rows as one file, where there are several or a header is to stand before them. */
  async #composed(rows: string, shards: Finished['files'], { format, file }: Export): Promise<Finished> {
    const { bucket } = this.#context
    const header = file?.header ?? ''
    if (format === 'parquet' || (shards.length === 1 && header === '')) return { files: shards, header: '' }
    const [target, contentType] = [`${rows}file`, file?.contentType ?? 'text/plain; charset=utf-8']
    try {
      if (header !== '') await bucket.save(`${rows}header`, header, contentType)
      const sources = [...(header === '' ? [] : [`${rows}header`]), ...shards.map(({ name }) => name)]
      await bucket.compose(sources, target, contentType)
      const bytes = shards.reduce((sum, shard) => sum + shard.bytes, Buffer.byteLength(header))
      return { files: [{ name: target, bytes }], header }
    } catch {
      return { files: shards, header: '' }
    }
  }

  async #answer({ files, header }: Finished, { format, file }: Export): Promise<Dumped> {
    const { bucket, urlHours } = this.#context
    const [only] = files
    if (format === 'parquet' && files.length > 1) {
      const hint = `The table makes ${files.length} Parquet files. Download it as csv or ndjson, or ask for fewer columns.`
      return { kind: 'too large', hint }
    }
    if (file && only && files.length === 1 && header === file.header) {
      const url = await bucket.sign(only.name, { hours: urlHours, ...file })
      if (url !== undefined) return { kind: 'redirect', url }
    }
    const skipped = Buffer.byteLength(header)
    const length = files.reduce((sum, { bytes }) => sum + bytes, -skipped)
    return { kind: 'stream', stream: oneAfterAnother(bucket, files, skipped), length }
  }
}

/** Where an export lies: rows of another query are another one. */
function prefixOf({ folder, version, format, query }: Export): string {
  const digest = createHash('sha256').update(query).digest('hex').slice(0, 16)
  return `${folder}/${version}/${format}-${digest}/`
}

/** `EXPORT DATA`; the header is not BigQuery's, which would stand in each file. */
function exportStatement(uri: string, { format, query }: Export): string {
  const header = format === 'csv' ? ', header=false' : ''
  return `EXPORT DATA OPTIONS (uri=${literal(uri)}, format='${formats[format]}', overwrite=true${header}) AS ${query}`
}

/** Files as one stream; the next is opened once the one before has been read to its end. */
function oneAfterAnother(bucket: Bucket, files: Finished['files'], skipped: number): ReadableStream<Uint8Array> {
  let next = 0
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const file = files[next]
          if (!reader && !file) return controller.close()
          reader ??= bucket.read((file as { name: string }).name, skipped).getReader()
          const { value, done } = await reader.read()
          if (!done) return controller.enqueue(value)
          reader = undefined
          next += 1
        }
      },
      cancel: (reason) => reader?.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
