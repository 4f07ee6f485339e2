import { LRUCache } from 'lru-cache'

/** What is kept: anything whose size in bytes is known. */
export interface Sized {
  readonly size: number
}

/** One entry may take this share of the room at most. */
const LARGEST_SHARE = 1 / 8

/** Keeps what was used last, up to a number of bytes. `evicted` is told the key of what had to give way. */
export class ByteCache<T extends Sized> {
  readonly #entries: LRUCache<string, T>

  constructor(maxBytes: number, evicted?: (key: string) => void) {
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      maxEntrySize: Math.floor(maxBytes * LARGEST_SHARE),
      sizeCalculation: ({ size }, key) => size + key.length,
      ...(evicted && { dispose: (_, key, reason) => reason === 'evict' && evicted(key) }),
    })
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)
  }

  set(key: string, entry: T): void {
    this.#entries.set(key, entry)
  }
}
