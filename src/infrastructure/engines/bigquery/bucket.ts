import { Readable, type Writable } from 'node:stream'
import type { File, Bucket as GoogleBucket } from '@google-cloud/storage'

/** An object of the bucket. */
export interface StoredObject {
  name: string
  bytes: number
  /** Milliseconds since 1970. */
  createdAt: number
}

/** Google's most sources of one compose request. */
const MAX_SOURCES = 32
const COMPOSED_AT_ONCE = 4
/** What is held of an object on its way in, to be sent again where a request fails. */
const SENT_BYTES = 4 * 1024 * 1024

/** The bucket of exports, as far as this engine uses it. */
export class Bucket {
  readonly name: string
  readonly #bucket: GoogleBucket

  constructor(bucket: GoogleBucket) {
    this.name = bucket.name
    this.#bucket = bucket
  }

  /** In the order of their names. */
  async list(prefix: string): Promise<StoredObject[]> {
    const [files] = await this.#bucket.getFiles({ prefix })
    return files.map(({ name, metadata }) => ({
      name,
      bytes: Number(metadata.size ?? 0),
      createdAt: Date.parse(String(metadata.timeCreated ?? '')) || 0,
    }))
  }

  /** The text of a small object; undefined when there is none. */
  async text(name: string): Promise<string | undefined> {
    try {
      const [bytes] = await this.#bucket.file(name).download({ validation: false })
      return bytes.toString('utf8')
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      throw error
    }
  }

  async save(name: string, text: string, contentType: string): Promise<void> {
    await this.#bucket.file(name).save(text, { resumable: false, contentType })
  }

  /** Makes an object that nobody has made yet; false when somebody has. */
  async claim(name: string, text: string): Promise<boolean> {
    const preconditionOpts = { ifGenerationMatch: 0 }
    try {
      await this.#bucket.file(name).save(text, { resumable: false, contentType: 'text/plain', preconditionOpts })
      return true
    } catch (error) {
      if (hasStatus(error, 412)) return false
      throw error
    }
  }

  /** Puts objects together in their order, inside Cloud Storage: 32 a request, in as many levels as it takes. */
  async compose(sources: readonly string[], target: string, contentType: string): Promise<void> {
    let level = [...sources]
    for (let depth = 0; level.length > MAX_SOURCES; depth += 1) {
      const groups = Array.from({ length: Math.ceil(level.length / MAX_SOURCES) }, (_, index) => ({
        name: `${target}.${depth}-${index}`,
        parts: level.slice(index * MAX_SOURCES, (index + 1) * MAX_SOURCES),
      }))
      for (let at = 0; at < groups.length; at += COMPOSED_AT_ONCE) {
        const some = groups.slice(at, at + COMPOSED_AT_ONCE)
        await Promise.all(some.map(({ name, parts }) => this.#combine(parts, name, contentType)))
      }
      level = groups.map(({ name }) => name)
    }
    await this.#combine(level, target, contentType)
  }

  async #combine(sources: readonly string[], target: string, contentType: string): Promise<void> {
    const file = this.#bucket.file(target)
    file.metadata.contentType = contentType
    await this.#bucket.combine([...sources], file)
  }

  /** What is gone already counts as removed. */
  async remove(names: readonly string[]): Promise<void> {
    for (let at = 0; at < names.length; at += MAX_SOURCES) {
      const some = names.slice(at, at + MAX_SOURCES)
      await Promise.all(some.map((name) => this.#bucket.file(name).delete({ ignoreNotFound: true })))
    }
  }

  /** The bytes of an object from `start` on, no more of them in memory than are on their way. */
  open(name: string, start = 0): Readable {
    return this.#bucket.file(name).createReadStream({ validation: false, decompress: false, start })
  }

  /** As `open`, for who reads web streams. */
  read(name: string, start = 0): ReadableStream<Uint8Array> {
    return Readable.toWeb(this.open(name, start)) as ReadableStream<Uint8Array>
  }

  /** An object that is there once the stream has finished. */
  create(name: string, contentType: string): Writable {
    return this.#bucket.file(name).createWriteStream({ resumable: true, chunkSize: SENT_BYTES, contentType })
  }

  /** An address at which everybody can get the object; undefined where these credentials can't sign. */
  async sign(name: string, { hours, filename, contentType }: SignedAs): Promise<string | undefined> {
    const file: File = this.#bucket.file(name)
    try {
      const [url] = await file.getSignedUrl({
        ...{ version: 'v4', action: 'read', expires: Date.now() + hours * 3_600_000 },
        ...{ responseDisposition: `attachment; filename="${filename}"`, responseType: contentType },
      })
      return url
    } catch {
      return undefined
    }
  }
}

interface SignedAs {
  hours: number
  filename: string
  contentType: string
}

function hasStatus(error: unknown, status: number): boolean {
  return Number((error as { code?: unknown }).code) === status
}
