import { randomUUID } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ServiceUnavailable } from '../../../core/errors.ts'
import type { LoadFile } from '../engine.ts'
import { isDiskFull } from './disk-full.ts'

/** Chunks of a request are small: they are written together, each write being a turn of a thread. */
const WRITE_BYTES = 1024 * 1024
/** How often the disk is asked for its room. */
const CHECK_BYTES = 64 * WRITE_BYTES
const READ_BYTES = 256 * 1024

/** A received file on disk. */
export interface StoredFile extends LoadFile {
  readonly path: string
}

/**
 * Writes a stream into a file of this folder, at the disk's pace.
 *
 * @param checkHeadroom - Throws when so much can't be written any more.
 */
export async function receiveFile(
  body: ReadableStream<Uint8Array>,
  {
    folder,
    checkHeadroom,
    signal,
  }: { folder: string; checkHeadroom: (bytes: number) => Promise<void>; signal?: AbortSignal },
): Promise<StoredFile> {
  const path = join(folder, `${randomUUID()}.load`)
  const reader = body.getReader()
  const stop = () => void reader.cancel(signal?.reason).catch(() => {})
  try {
    signal?.throwIfAborted()
    signal?.addEventListener('abort', stop, { once: true })
    await checkHeadroom(CHECK_BYTES)
    const handle = await open(path, 'wx')
    try {
      const bytes = await copy(reader, handle, checkHeadroom)
      signal?.throwIfAborted()
      return { path, bytes, open: () => readFile(path), discard: () => rm(path, { force: true }) }
    } finally {
      await handle.close()
    }
  } catch (error) {
    reader.cancel(error).catch(() => {})
    await rm(path, { force: true })
    throw isDiskFull(error) ? new ServiceUnavailable('The disk is full: nothing was stored.', { cause: error }) : error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

async function copy(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  handle: FileHandle,
  checkHeadroom: (bytes: number) => Promise<void>,
): Promise<number> {
  let written = 0
  let checked = CHECK_BYTES
  let waiting: Uint8Array[] = []
  let size = 0
  const flush = async () => {
    const chunks = waiting
    waiting = []
    written += size
    size = 0
    await writeAll(handle, chunks)
    if (written < checked) return
    checked = written + CHECK_BYTES
    await checkHeadroom(CHECK_BYTES)
  }
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    waiting.push(value)
    size += value.length
    if (size >= WRITE_BYTES) await flush()
  }
  if (size > 0) await flush()
  return written
}

/** A disk that is nearly full takes a part of a write and says nothing. */
async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  const { bytesWritten } = await handle.writev(chunks as Uint8Array[])
  let skip = bytesWritten
  for (const chunk of chunks) {
    for (let at = Math.min(skip, chunk.length); at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten
    skip = Math.max(0, skip - chunk.length)
  }
}

function readFile(path: string): ReadableStream<Uint8Array> {
  let handle: FileHandle | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        handle ??= await open(path, 'r')
        const buffer = new Uint8Array(READ_BYTES)
        const { bytesRead } = await handle.read(buffer, 0, READ_BYTES)
        if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead))
        await handle.close()
        controller.close()
      },
      cancel: () => handle?.close(),
    },
    { highWaterMark: 0 },
  )
}
