import type { CallOptions } from '../infrastructure/engines/engine.ts'

type Stream = ReadableStream<Uint8Array>

/** Which file it is: of which table, at which revision, in which form. Other rows are another file. */
export interface FileKey {
  table: string
  revision: number
  form: string
}

/** A file as it is being made. */
export interface Rendering {
  stream: Stream
  /** Of the table as the file shows it: above the asked one where a write came between. */
  revision: number
  /** Bytes, where known. */
  length?: number
  /** About how many bytes. A file of which nobody knows that is not kept. */
  estimatedBytes?: number
}

/** Bytes from `start` up to `end`, which is not among them. */
export interface Part {
  start: number
  end: number
}

/** A client's hold on a file, which is whole or still being written. It ends with its stream, and with `leave`. */
export interface HeldFile {
  readonly revision: number
  /** Tells this writing of the file from every other: not all formats give the same bytes again. */
  readonly rendering: string
  /** Bytes, as soon as they are known. */
  readonly length: number | undefined
  /** Waits until the file is whole; answers how many bytes it has. */
  whole(): Promise<number>
  /** Its bytes, or a part of a whole file. Fails where the file can't be finished; it never ends as if whole. */
  read(part?: Part): Stream
  leave(): void
}

/** Files of whole tables, kept for as long as their table does not change and there is room. */
export interface DumpFiles {
  /** The file if it is whole. */
  find(key: FileKey): Pick<HeldFile, 'length' | 'rendering'> | undefined
  /**
   * The file of this key, which `render` writes unless it is there or being written: once, however many ask at once.
   * Its signal aborts when nobody waits for the file any more; what it throws, everybody is told who waits.
   *
   * @returns A hold on the file; or the rendering itself where the file can't be kept; or undefined where it can't be
   *   kept and somebody else has the rendering.
   */
  open(
    key: FileKey,
    render: (signal: AbortSignal) => Promise<Rendering>,
    options: CallOptions,
  ): Promise<{ held: HeldFile } | { passed: Rendering } | undefined>
  /** Breaks all streams and removes all files. */
  close(): Promise<void>
}

/** Makes the store of files of one datastore: in a folder of its own, of so many bytes in all. */
export type DumpFilesFactory = (options: { folder: string; bytesMax: number }) => DumpFiles
