import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { unlessAborted } from '../../../core/unless-aborted.ts'
import type { Dumped, DumpPlan } from '../engine.ts'
import type { Bucket } from './bucket.ts'
import { bucketFailure } from './bucket-failure.ts'
import { convert, type WriteLine } from './convert.ts'
import { literal } from './gate/google-sql.ts'
import { oneAfterAnother } from './stored-stream.ts'

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
  /** Writes the rows, all of whose columns are texts then, in the format; without it BigQuery writes Parquet. */
  write?: WriteLine
  /** Set where the client can be sent to the file: what stands in it before the rows, and what it is called. */
  file?: DumpPlan['file'] | undefined
  /** Whether several files are an answer. */
  parts?: boolean | undefined
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

const DONE = '.done'
const CLAIMED = '.claimed'
/** An export that has not said for so long that it is still under way has died with its process. */
const CLAIM_MS = 5 * 60_000
const CLAIM_RENEWED_MS = 60_000
const POLL_MS = 500

/** Exports of one engine. Of those who ask for the same one at the same time, here or elsewhere, one makes it. */
export class Exports {
  readonly #context: ExportContext
  readonly #running = new Map<string, Promise<Finished>>()

  constructor(context: ExportContext) {
    this.#context = context
  }

  /**
   * The file, exported unless it is there: an address, its rows as a stream, or its parts. An export goes on when who
   * asked for it leaves: what it scans is paid for, and the next who asks finds it.
   */
  async dump(wanted: Export, signal?: AbortSignal): Promise<Dumped> {
    signal?.throwIfAborted()
    const prefix = prefixOf(wanted)
    try {
      const finished = await unlessAborted(this.#running.get(prefix) ?? this.#started(prefix, wanted), signal)
      return await this.#answer(finished, wanted, signal)
    } catch (error) {
      throw bucketFailure(this.#context.bucket.name, error)
    }
  }

  /** What nobody will ask for again, as Parquet. It lies in the bucket for as long as its address is good. */
  async dumpOnce(
    run: RunExport,
    { folder, ...wanted }: Pick<Export, 'folder' | 'query' | 'file' | 'parts'>,
  ): Promise<Dumped> {
    const { bucket, urlHours } = this.#context
    const rows = `${folder}/${randomUUID()}-`
    try {
      const expired = Date.now() - urlHours * 3_600_000
      const old = (await bucket.list(`${folder}/`)).filter(({ createdAt }) => createdAt < expired)
      await bucket.remove(old.map(({ name }) => name))
      await run(exportStatement(`gs://${bucket.name}/${rows}*`, wanted), {})
      return await this.#answer({ files: await bucket.list(rows), header: '' }, { ...wanted, format: 'parquet' })
    } catch (error) {
      throw bucketFailure(this.#context.bucket.name, error)
    }
  }

  #started(prefix: string, wanted: Export): Promise<Finished> {
    const work = this.#find(prefix, wanted).finally(() => this.#running.delete(prefix))
    this.#running.set(prefix, work)
    return work
  }

  async #find(prefix: string, wanted: Export): Promise<Finished> {
    const { bucket } = this.#context
    for (;;) {
      const finished = await this.#finished(prefix)
      if (finished) return finished
      if (await bucket.claim(prefix + CLAIMED, '')) return this.#claimed(prefix, wanted)
      const [claim] = await bucket.list(prefix + CLAIMED)
      if (claim && Date.now() - claim.createdAt > CLAIM_MS) await bucket.remove([claim.name])
      else await sleep(POLL_MS)
    }
  }

  /** What was made before, if all of it is still there: rules of the bucket may remove files before their marker. */
  async #finished(prefix: string): Promise<Finished | undefined> {
    const { bucket } = this.#context
    const done = await bucket.text(prefix + DONE)
    if (done === undefined) return undefined
    const finished = JSON.parse(done) as Finished
    const there = new Set((await bucket.list(prefix)).map(({ name }) => name))
    if (finished.files.every(({ name }) => there.has(name))) return finished
    await bucket.remove([prefix + DONE])
    return undefined
  }

  async #claimed(prefix: string, wanted: Export): Promise<Finished> {
    const { bucket } = this.#context
    let renewed: Promise<void> | undefined
    const renewing = setInterval(() => {
      renewed = bucket.save(prefix + CLAIMED, '', 'text/plain').catch(() => {})
    }, CLAIM_RENEWED_MS)
    renewing.unref()
    const settle = () => {
      clearInterval(renewing)
      return renewed
    }
    try {
      const { finished, isOurs } = await this.#make(prefix, wanted)
      await settle()
      if (isOurs) await this.#removeStale(prefix, finished, wanted)
      return finished
    } catch (error) {
      await settle()
      await bucket.remove([prefix + CLAIMED]).catch(() => {})
      throw error
    }
  }

  async #make(prefix: string, wanted: Export): Promise<{ finished: Finished; isOurs: boolean }> {
    const { bucket, run } = this.#context
    // A name of its own: whoever takes this export for dead and makes it again does not write into its files.
    const rows = `${prefix}rows-${randomUUID()}-`
    await run(exportStatement(`gs://${bucket.name}/${rows}*`, wanted), wanted.params ?? {})
    const exported = await bucket.list(rows)
    const { write } = wanted
    const nameOf = (index: number) => `${rows}part-${String(index).padStart(12, '0')}`
    const shards = write
      ? await convert(bucket, exported, { nameOf, write, contentType: contentTypeOf(wanted) })
      : exported.map(({ name, bytes }) => ({ name, bytes }))
    // Files are removed only where another has finished: what is listed is all, unless that one is there by now.
    const done = await bucket.text(prefix + DONE)
    if (done !== undefined) {
      await bucket.remove([...exported, ...shards].map(({ name }) => name))
      return { finished: JSON.parse(done) as Finished, isOurs: false }
    }
    const finished = await this.#composed(rows, shards, wanted)
    await bucket.save(prefix + DONE, JSON.stringify(finished), 'application/json')
    return { finished, isOurs: true }
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

  /** The header and the files of rows as one file, where they can be one. */
  async #composed(rows: string, shards: Finished['files'], wanted: Export): Promise<Finished> {
    const { bucket } = this.#context
    const { format, file } = wanted
    const header = file?.header ?? ''
    if (format === 'parquet' || (shards.length === 1 && header === '')) return { files: shards, header: '' }
    const [target, contentType] = [`${rows}file`, contentTypeOf(wanted)]
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

  async #answer(
    { files, header }: Finished,
    { format, file, parts }: Pick<Export, 'format' | 'file' | 'parts'>,
    signal?: AbortSignal,
  ): Promise<Dumped> {
    const { bucket, urlHours } = this.#context
    const [only] = files
    if (parts) {
      const open = (file: Finished['files'][number]) => oneAfterAnother(bucket, [file], { signal })
      return { kind: 'parts', parts: files.map((file) => ({ length: file.bytes, open: () => open(file) })) }
    }
    if (format === 'parquet' && files.length > 1) {
      const hint = `The rows make ${files.length} Parquet files. Ask for all of them in one zip file with parts=zip, or download csv or ndjson.`
      return { kind: 'too large', hint }
    }
    if (file && only && files.length === 1 && header === file.header) {
      const url = await bucket.sign(only.name, { hours: urlHours, ...file })
      if (url !== undefined) return { kind: 'redirect', url }
    }
    const skipped = Buffer.byteLength(header)
    const length = files.reduce((sum, { bytes }) => sum + bytes, 0) - skipped
    return { kind: 'stream', stream: oneAfterAnother(bucket, files, { skipped, signal }), length }
  }
}

/** Where an export lies: rows of another query are another one. */
function prefixOf({ folder, version, format, query }: Export): string {
  const digest = createHash('sha256').update(query).digest('hex').slice(0, 16)
  return `${folder}/${version}/${format}-${digest}/`
}

function contentTypeOf({ file }: Export): string {
  return file?.contentType ?? 'text/plain; charset=utf-8'
}

function exportStatement(uri: string, { query, write }: Pick<Export, 'query' | 'write'>): string {
  const format = write ? 'JSON' : 'PARQUET'
  return `EXPORT DATA OPTIONS (uri=${literal(uri)}, format='${format}', overwrite=true) AS ${query}`
}
