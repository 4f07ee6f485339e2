import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { BrokenOff, copy } from './copy.ts'
import { Failure } from './failure.ts'
import { megabytes } from './progress.ts'
import { refusal, unreachable } from './server.ts'

/** How often a download that breaks off is taken up again, and the pause before the first time. */
const RETRIES = 4
const PAUSE_MS = 500

export interface Download {
  url: URL
  headers: Record<string, string>
  output: string
  /** What is to come, at the beginning of every attempt: bytes that are there, and all of them where that is known. */
  onStart(there: number, total: number | undefined): Promise<void> | void
  onBytes(bytes: number): void
  say(text: string): void
}

/** What a broken download has left: so many bytes, of the version with this tag, from this address. */
interface Begun {
  bytes: number
  tag: string
}

/**
 * Downloads a file, which is there when it is complete. What came of it before the connection broke stays in
 * `FILE.part`, with its version in `FILE.part.json`, and is gone on with: a few times by itself, then by the next call,
 * for as long as the server has that version.
 *
 * @returns Bytes of the whole file.
 */
export async function download(given: Download): Promise<number> {
  const part = `${given.output}.part`
  for (let attempt = 0; ; attempt += 1) {
    try {
      const bytes = await fetchPart(given, part)
      await rename(part, given.output)
      await forget(part)
      return bytes
    } catch (error) {
      if (error instanceof Refused) throw error
      const begun = error instanceof BrokenOff ? await readBegun(part, given.url) : undefined
      if (!begun) await Promise.all([rm(part, { force: true }), forget(part)])
      if (!begun || attempt === RETRIES) throw error
      given.say(`The connection broke at ${megabytes(begun.bytes)} MB; the download is taken up again.`)
      await sleep(PAUSE_MS * 2 ** attempt)
    }
  }
}

/** A server that answers, but not with the file: what is there of it may still be good later. */
class Refused extends Failure {}

async function fetchPart(given: Download, part: string): Promise<number> {
  const { url, headers, onStart, onBytes } = given
  const begun = await readBegun(part, url)
  const resume = begun && { Range: `bytes=${begun.bytes}-`, 'If-Range': begun.tag }
  const response = await fetch(url, { headers: { ...headers, ...resume, 'Accept-Encoding': 'identity' } }).catch(
    (error) => {
      const failure = unreachable(url, error)
      throw begun ? new BrokenOff(failure.message, { cause: error }) : failure
    },
  )
  if (begun && (response.status === 416 || (response.status === 206 && !goesOn(response, begun)))) {
    // There is no rest of what is there: from the beginning.
    await response.body?.cancel()
    await forget(part)
    return fetchPart(given, part)
  }
  if (!response.ok || !response.body) {
    const { message, detail } = refusal(response.status, await response.text())
    throw new Refused(message, { detail })
  }
  const start = begun && response.status === 206 ? begun.bytes : 0
  const tag = response.headers.get('etag')
  if (start === 0) await (tag && !tag.startsWith('W/') ? remember(part, url, tag) : forget(part))
  const length = response.headers.get('content-length')
  await onStart(start, length === null ? undefined : start + Number(length))
  return start + (await append(response.body, part, start, onBytes))
}

/** Whether the server sends what is missing of this very version, to its end. */
function goesOn({ status, headers }: Response, { bytes, tag }: Begun): boolean {
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? []
  return status === 206 && Number(first) === bytes && Number(last) + 1 === Number(size) && headers.get('etag') === tag
}

async function append(
  body: ReadableStream<Uint8Array>,
  part: string,
  start: number,
  onBytes: (bytes: number) => void,
): Promise<number> {
  const file = createWriteStream(part, { flags: start > 0 ? 'a' : 'w' })
  await once(file, 'open').catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${part} can't be written (${error.code}).`, { cause: error })
  })
  try {
    return await copy(body, file, onBytes, start)
  } finally {
    file.end()
    await once(file, 'close').catch(() => {})
  }
}

const notesOf = (part: string) => `${part}.json`

async function remember(part: string, url: URL, tag: string): Promise<void> {
  await rm(part, { force: true })
  await writeFile(notesOf(part), JSON.stringify({ url: url.href, tag })).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${part} can't be written (${error.code}).`, { cause: error })
  })
}

async function forget(part: string): Promise<void> {
  await rm(notesOf(part), { force: true })
}

async function readBegun(part: string, { href }: URL): Promise<Begun | undefined> {
  try {
    const { url, tag } = JSON.parse(await readFile(notesOf(part), 'utf8'))
    const { size } = await stat(part)
    return url === href && typeof tag === 'string' && size > 0 ? { bytes: size, tag } : undefined
  } catch {
    return undefined
  }
}
