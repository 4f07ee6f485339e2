import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { Failure } from './failure.ts'

/** A file to send. */
export interface Source {
  stream: Readable
  name: string
  /** In bytes, where known. */
  size?: number
}

/** Opens a path, an http address, or `-` for standard input. */
export async function openSource(place: string): Promise<Source> {
  if (place === '-') return { stream: process.stdin, name: '' }
  return /^https?:\/\//i.test(place) ? openUrl(new URL(place)) : openPath(place)
}

async function openPath(path: string): Promise<Source> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${path} can't be read (${error.code}).`, { cause: error })
  })
  if (found.isDirectory()) throw new Failure(`${path} is a folder.`)
  return {
    stream: createReadStream(path, { highWaterMark: 256 * 1024 }),
    name: basename(path),
    ...(found.isFile() && { size: found.size }),
  }
}

async function openUrl(url: URL): Promise<Source> {
  const response = await fetch(url).catch((error) => {
    throw new Failure(
      `${url} can't be fetched: ${(error as { cause?: Error }).cause?.message ?? (error as Error).message}.`,
      { cause: error },
    )
  })
  if (!response.ok || !response.body) throw new Failure(`${url} answered ${response.status}.`)
  // A length is that of the packed bytes, where there is an encoding.
  const length = response.headers.has('content-encoding') ? null : response.headers.get('content-length')
  return {
    stream: Readable.fromWeb(response.body as WebStream<Uint8Array>),
    name: basename(new URL(response.url).pathname),
    ...(length !== null && { size: Number(length) }),
  }
}
