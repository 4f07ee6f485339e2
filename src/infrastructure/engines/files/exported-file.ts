import type { FileHandle } from 'node:fs/promises'
import { open, rm } from 'node:fs/promises'

/** A file that an engine has written for a client to read, and that is gone when that is over. */
export interface ExportedFile {
  readonly file: string
  readonly handle: FileHandle
  readonly bytes: number
}

const READ_BYTES = 256 * 1024
/** A client that takes nothing for this long loses what is kept for it. */
export const STALL_MS = 5 * 60_000

export async function openExported(file: string): Promise<ExportedFile> {
  const handle = await open(file, 'r')
  const { size } = await handle.stat()
  return { file, handle, bytes: size }
}

/** The next bytes, or undefined at the end. */
export async function readChunk({ handle }: ExportedFile): Promise<Uint8Array | undefined> {
  const buffer = new Uint8Array(READ_BYTES)
  const { bytesRead } = await handle.read(buffer, 0, READ_BYTES)
  return bytesRead > 0 ? buffer.subarray(0, bytesRead) : undefined
}

export async function discard(exported: ExportedFile | undefined): Promise<void> {
  if (!exported) return
  await closeExported(exported)
  await rm(exported.file, { force: true })
}

/** Lets go of a file that stays. */
export async function closeExported({ handle }: ExportedFile): Promise<void> {
  await handle.close().catch(() => undefined)
}

/**
 * The file as a stream.
 *
 * @param release - Called when it was read, when nobody reads it any more, and when nobody does for long.
 */
export function streamExported(
  exported: ExportedFile,
  release: (exported: ExportedFile) => Promise<void> = discard,
): ReadableStream<Uint8Array> {
  let stalled: NodeJS.Timeout | undefined
  const end = () => {
    clearTimeout(stalled)
    return release(exported)
  }
  const watch = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    clearTimeout(stalled)
    stalled = setTimeout(() => {
      controller.error(new Error('the client took nothing for too long'))
      void end()
    }, STALL_MS)
    stalled.unref()
  }
  let left = exported.bytes
  return new ReadableStream<Uint8Array>(
    {
      start: watch,
      async pull(controller) {
        watch(controller)
        try {
          const chunk = await readChunk(exported)
          left -= chunk?.length ?? 0
          if (chunk) return controller.enqueue(chunk)
          if (left !== 0) throw new Error(`an exported file has ${left} bytes less than were written`)
          await end()
          controller.close()
        } catch (error) {
          await end()
          throw error
        }
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  )
}
