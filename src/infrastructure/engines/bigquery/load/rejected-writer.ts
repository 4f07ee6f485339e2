import type { FileHandle } from 'node:fs/promises'
import { open, rm } from 'node:fs/promises'
import { ServiceUnavailable } from '../../../../core/errors.ts'
import { isDiskFull } from '../../files/disk-full.ts'
import { LIMITS } from '../../files/rejected-files.ts'
import type { BadRecord, FileRow } from './rows.ts'

const WRITE_CHARACTERS = 256 * 1024

/** Writes the rows that a load leaves out into a csv file, at the disk's pace. The file begins with the first of them. */
export class RejectedWriter {
  readonly path: string
  readonly #columns: readonly string[]
  readonly #withLines: boolean
  #handle: FileHandle | undefined
  #waiting = ''
  #bytes = 0
  #isTooLarge = false

  constructor(path: string, columns: readonly string[], withLines: boolean) {
    this.path = path
    this.#columns = columns
    this.#withLines = withLines
  }

  /** A row with a bad cell, and the sentence about it; or what is no record. */
  async add(row: FileRow | BadRecord, sentence?: string): Promise<void> {
    if (this.#isTooLarge) return
    const isRow = 'cells' in row
    const cells = isRow ? row.cells : this.#columns.map(() => null)
    const [error, record] = isRow ? [sentence ?? null, null] : [row.sentence, row.record]
    const place = [String(row.row), ...(this.#withLines ? [String(row.line)] : [])]
    this.#waiting += csvLine([...place, error, record, ...cells])
    if (this.#waiting.length >= WRITE_CHARACTERS) await this.#flush()
  }

  /** The bytes of the finished file; undefined: it would be too large. */
  async end(): Promise<number | undefined> {
    await this.#flush()
    await this.#handle?.close()
    this.#handle = undefined
    return this.#isTooLarge ? undefined : this.#bytes
  }

  async discard(): Promise<void> {
    await this.#handle?.close().catch(() => undefined)
    this.#handle = undefined
    await rm(this.path, { force: true })
  }

  async #flush(): Promise<void> {
    if (this.#isTooLarge) return
    try {
      if (!this.#handle) {
        this.#handle = await open(this.path, 'wx')
        const line = this.#withLines ? ['_line'] : []
        this.#waiting = csvLine(['_row', ...line, '_error', '_record', ...this.#columns]) + this.#waiting
      }
      const bytes = Buffer.from(this.#waiting)
      this.#waiting = ''
      await this.#handle.writeFile(bytes)
      this.#bytes += bytes.length
    } catch (error) {
      throw isDiskFull(error)
        ? new ServiceUnavailable('The disk is full: nothing was stored.', { cause: error })
        : error
    }
    this.#isTooLarge = this.#bytes > LIMITS.bytes
  }
}

/** Nothing for null; `""` for an empty text. */
function csvLine(cells: readonly (string | null)[]): string {
  return `${cells.map(csvCell).join(',')}\n`
}

function csvCell(text: string | null): string {
  if (text === null) return ''
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
