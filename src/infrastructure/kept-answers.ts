import { hexadecimal, joinBytes } from '../core/bytes.ts'
import { ByteCache, type Sized } from './byte-cache.ts'
import type { SharedBytes } from './cache.ts'

/** Bytes that can be given again, and what there is to say about them: JSON. */
export interface Kept<About = unknown> {
  readonly about: About
  readonly bytes: Uint8Array
}

/** Keeps answers under keys that name all that they depend on. It is a help, never a need. */
export interface KeptAnswers {
  /** `isAbout` judges what another process, or another program, has left in the shared place. */
  get<About>(key: string, isAbout: (about: unknown) => about is About): Promise<Kept<About> | undefined>
  set(key: string, kept: Kept): void
  /** Other forms of what is kept: in this process only, within the same room. */
  readonly forms: {
    get(key: string): Uint8Array | undefined
    set(key: string, bytes: Uint8Array): void
  }
}

export interface KeptAnswersOptions {
  /** Room in this process's memory; what this process puts into the shared place takes no more, either. */
  maxBytes: number
  shared?: {
    bytes: SharedBytes
    ttlSeconds: number
    /** What else answers depend on: processes with another scope share nothing. */
    scope: string
  }
}

const LARGEST_SHARED = 1_000_000

type Entry = Kept & Sized

/** Answers in this process's memory and, if there is one, in a place that several processes share. */
export function keepAnswers({ maxBytes, shared }: KeptAnswersOptions): KeptAnswers {
  const memory = new ByteCache<Entry>(maxBytes)
  const others = shared && shareAnswers(shared, maxBytes)
  const remember = (key: string, { about, bytes }: Kept) => memory.set(key, { about, bytes, size: bytes.length })
  return {
    async get<About>(key: string, isAbout: (about: unknown) => about is About) {
      const known = memory.get(key)
      if (known) return known as Kept<About>
      const found = await others?.get(key)
      if (!found || !isAbout(found.about)) return undefined
      const kept = { about: found.about, bytes: found.bytes }
      remember(key, kept)
      return kept
    },
    set(key, kept) {
      remember(key, kept)
      void others?.set(key, kept)
    },
    forms: {
      get: (key) => memory.get(key)?.bytes,
      set: (key, bytes) => remember(key, { about: null, bytes }),
    },
  }
}

/**
 * The shared place. Names are hashes of keys. A value is the hash of its key and of all that follows, a line of JSON,
 * and the bytes: what is cut, changed, or meant for another key counts as nothing.
 */
function shareAnswers(
  { bytes: place, ttlSeconds, scope }: NonNullable<KeptAnswersOptions['shared']>,
  maxBytes: number,
) {
  // Not what is in the values but how much this process has there, so that an old one leaves when a new one comes.
  const written = new ByteCache<Sized>(maxBytes, (name) => void place.remove(name))
  return {
    async get(key: string): Promise<Kept | undefined> {
      const scoped = scope + key
      const value = await place.get(await nameOf(scoped), LARGEST_SHARED)
      return value && open(scoped, value)
    },
    async set(key: string, { about, bytes }: Kept): Promise<void> {
      if (bytes.length > LARGEST_SHARED) return
      const scoped = scope + key
      const content = joinBytes([encode(`${JSON.stringify(about)}\n`), bytes])
      const seal = await hash(joinBytes([encode(scoped), content]))
      const value = joinBytes([encode(seal), content])
      if (value.length > LARGEST_SHARED) return
      const name = await nameOf(scoped)
      written.set(name, { size: value.length })
      await place.set(name, value, ttlSeconds)
    },
  }
}

const SEAL_LENGTH = 64
const LINE_END = 10

async function open(scoped: string, value: Uint8Array): Promise<Kept | undefined> {
  const content = value.subarray(SEAL_LENGTH)
  const seal = await hash(joinBytes([encode(scoped), content]))
  if (new TextDecoder().decode(value.subarray(0, SEAL_LENGTH)) !== seal) return undefined
  const end = content.indexOf(LINE_END)
  try {
    return { about: JSON.parse(new TextDecoder().decode(content.subarray(0, end))), bytes: content.subarray(end + 1) }
  } catch {
    return undefined
  }
}

const nameOf = async (scoped: string) => `answer:${await hash(encode(scoped))}`

async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hexadecimal(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
