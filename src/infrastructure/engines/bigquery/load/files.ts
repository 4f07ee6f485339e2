import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadFile } from '../../engine.ts'
import type { StoredFile } from '../../files/received-file.ts'
import { receiveFile } from '../../files/received-file.ts'
import { RejectedFiles } from '../../files/rejected-files.ts'

interface Folders {
  load: string
  rejectedFiles: RejectedFiles
}

/** Files of this process on their way into BigQuery, and the rows that loads have left out. The folder is made with the first. */
export class LoadFiles {
  #folder: string | undefined
  #folders: Promise<Folders> | undefined

  async receive(body: ReadableStream<Uint8Array>, signal?: AbortSignal): Promise<LoadFile> {
    const { load: folder } = await this.#open()
    return receiveFile(body, { folder, checkHeadroom: async () => {}, ...(signal && { signal }) })
  }

  /** Where a load writes the rows that it leaves out. */
  async folder(): Promise<string> {
    return (await this.#open()).load
  }

  async rejectedFiles(): Promise<RejectedFiles> {
    return (await this.#open()).rejectedFiles
  }

  /** Removes the rejected rows of a table that is gone. */
  async drop(table: string): Promise<void> {
    if (this.#folders) await (await this.rejectedFiles()).drop(table)
  }

  async close(): Promise<void> {
    if (!this.#folders) return
    ;(await this.rejectedFiles()).close()
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }

  #open(): Promise<Folders> {
    this.#folders ??= this.#make().catch((error) => {
      this.#folders = undefined
      throw error
    })
    return this.#folders
  }

  async #make(): Promise<Folders> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'ckan-datastore-'))
    const [load, rejected] = [join(this.#folder, 'load'), join(this.#folder, 'rejected')]
    for (const folder of [load, rejected]) await mkdir(folder, { recursive: true, mode: 0o700 })
    return { load, rejectedFiles: new RejectedFiles(rejected) }
  }
}

export function pathOf(file: LoadFile): string {
  return (file as StoredFile).path
}
