import { constants, createReadStream } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { BareTasks } from './bare-process.ts'
import { fields, INDEXED, KEY, recordsSql, rowsSql, type Size } from './data.ts'
import { RunningServer } from './server.ts'
import { Worker } from './worker.ts'

const FILE = 'datastore.duckdb'
const BATCH = 10_000

/** The tables, made once through the API, and copies of them for everybody who works on them. */
export class Prepared {
  readonly folder: string
  readonly sizes: readonly Size[]
  readonly #temporary: boolean
  #copies = 0

  constructor(folder: string, sizes: readonly Size[], temporary: boolean) {
    this.folder = folder
    this.sizes = sizes
    this.#temporary = temporary
  }

  /** @param kept - A folder whose tables are taken when they are there, and left there. */
  static async make(sizes: readonly Size[], kept: string | undefined, say: (text: string) => void): Promise<Prepared> {
    const folder = kept ?? (await mkdtemp(join(tmpdir(), 'ckan-datastore-bench-')))
    const prepared = new Prepared(folder, sizes, kept === undefined)
    const manifest = JSON.stringify(sizes)
    if ((await readFile(join(folder, 'sizes.json'), 'utf8').catch(() => '')) === manifest) return prepared
    await prepared.#load(say)
    await writeFile(join(folder, 'sizes.json'), manifest)
    return prepared
  }

  /** A data folder of one's own: with the full-text index whole, or just after the load. */
  async copy(state: 'indexed' | 'fresh' = 'indexed'): Promise<string> {
    const folder = join(this.folder, `copy-${process.pid}-${++this.#copies}`)
    await mkdir(folder, { recursive: true })
    await copyFile(join(this.folder, state, FILE), join(folder, FILE), constants.COPYFILE_FICLONE)
    return folder
  }

  /** A folder without data. */
  empty(): string {
    return join(this.folder, `copy-${process.pid}-${++this.#copies}`)
  }

  csv({ table }: Size): string {
    return join(this.folder, `${table}.csv`)
  }

  /** Takes away what is not kept. */
  async remove(): Promise<void> {
    if (this.#temporary) return rm(this.folder, { recursive: true, force: true })
    for (let n = 1; n <= this.#copies; n++) {
      await rm(join(this.folder, `copy-${process.pid}-${n}`), { recursive: true, force: true })
    }
  }

  async #load(say: (text: string) => void): Promise<void> {
    const generator = Worker.start<BareTasks>('./bare-process.ts')
    await mkdir(this.folder, { recursive: true })
    await generator.call('open', { path: ':memory:' })
    await rm(join(this.folder, 'indexed'), { recursive: true, force: true })
    const server = await RunningServer.start(join(this.folder, 'indexed'))
    for (const size of this.sizes) {
      say(`loading ${size.rows.toLocaleString('en')} rows`)
      await generator.call('time', [`COPY (${rowsSql(1, size.rows)}) TO '${this.csv(size)}' (HEADER)`])
      await server.act('datastore_create', { resource_id: size.table, fields, primary_key: KEY, indexes: [INDEXED] })
      if (!(await loadFile(server.url, size.table, this.csv(size)))) await this.#insert(server, generator, size)
    }
    await generator.stop()
    await server.stop()
    await mkdir(join(this.folder, 'fresh'), { recursive: true })
    await copyFile(join(this.folder, 'indexed', FILE), join(this.folder, 'fresh', FILE))
    say('waiting for the full-text indexes')
    const again = await RunningServer.start(join(this.folder, 'indexed'))
    await again.idle()
    await again.stop()
  }

  async #insert(server: RunningServer, generator: Worker<BareTasks>, { table, rows }: Size): Promise<void> {
    for (let first = 1; first <= rows; first += BATCH) {
      const records = await generator.call('value', recordsSql(first, Math.min(rows, first + BATCH - 1)))
      const body = `{"resource_id": "${table}", "method": "insert", "records": ${records}}`
      const response = await fetch(`${server.url}/api/3/action/datastore_upsert`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body,
      })
      if (!response.ok) throw new Error(`${response.status}: ${(await response.text()).slice(0, 500)}`)
    }
  }
}

/** Sends a CSV file by the bulk load. False when this server has none. */
export async function loadFile(url: string, table: string, file: string): Promise<boolean> {
  const response = await fetch(`${url}/datastore/load/${table}?method=insert&format=csv`, {
    method: 'POST',
    headers: { 'Content-Type': 'text/csv', 'Content-Length': String((await stat(file)).size) },
    body: Readable.toWeb(createReadStream(file, { highWaterMark: 1024 * 1024 })) as unknown as BodyInit,
    duplex: 'half',
  } as RequestInit)
  const text = await response.text()
  if (response.ok) return true
  if ([404, 405, 501].includes(response.status)) return false
  throw new Error(`load: ${response.status} ${text.slice(0, 500)}`)
}
