import { ServiceUnavailable } from '../../src/core/errors.ts'
import type { DumpFiles, FileKey, HeldFile, Part, Rendering } from '../../src/services/dump-files.ts'
import { DumpFile, hasRoom, streamOf } from './dump-file.ts'

/** What a file counts for at least, so that there are not too many of them. */
const LEAST_BYTES = 64 * 1024

interface Entry {
  readonly file: DumpFile
  /** Its table as the file shows it. */
  key: FileKey
  /** Settles when it is known whether there is a file to read. */
  started: Promise<void>
  /** Bytes, where they are known before the file is whole. */
  length?: number
  /** Settles when it is written, or can't be. */
  written?: Promise<void>
  /** It is whole, and counted. */
  isKept?: true | undefined
  /** It can't be kept: its rendering, until somebody takes it. */
  passed?: { rendering?: Rendering }
}

/**
 * Keeps files of whole tables in a folder: each is written once, however many ask for it, and stays until its table
 * changes or others need the room. Those used least recently go first.
 */
export function createDumpFiles({ folder, bytesMax }: { folder: string; bytesMax: number }): DumpFiles {
  /** Those that can be found, the ones used least recently first. */
  const listed = new Map<string, Entry>()
  const all = new Set<Entry>()
  let bytesKept = 0
  let closed = false

  const sizeOf = ({ file }: Entry) => Math.max(LEAST_BYTES, file.bytes)

  const unlist = (entry: Entry): void => {
    const name = nameOf(entry.key)
    if (listed.get(name) !== entry) return
    listed.delete(name)
    if (!entry.isKept) return
    entry.isKept = undefined
    bytesKept -= sizeOf(entry)
    void entry.file.remove()
    if (entry.file.holds === 0) all.delete(entry)
  }

  /** A write has made the files of older revisions useless. */
  const dropOlder = ({ table, revision }: FileKey): void => {
    for (const entry of listed.values()) {
      if (entry.key.table === table && entry.key.revision < revision) unlist(entry)
    }
  }

  /** What was whole in the end is kept, if nothing newer came meanwhile. */
  const keep = (entry: Entry): void => {
    if (listed.get(nameOf(entry.key)) !== entry) return void entry.file.remove()
    entry.isKept = true
    bytesKept += sizeOf(entry)
    for (const candidate of listed.values()) {
      if (bytesKept <= bytesMax) break
      if (candidate.isKept) unlist(candidate)
    }
  }

  /** A write came between the question and the snapshot that was written: the file is one of another revision. */
  const rename = (entry: Entry, revision: number): void => {
    if (revision === entry.key.revision) return
    unlist(entry)
    entry.key = { ...entry.key, revision }
    dropOlder(entry.key)
    const name = nameOf(entry.key)
    if (!listed.has(name)) listed.set(name, entry)
  }

  const start = async (entry: Entry, render: (signal: AbortSignal) => Promise<Rendering>): Promise<void> => {
    const { file } = entry
    try {
      const rendering = await render(file.left.signal)
      if (file.left.signal.aborted) await rendering.stream.cancel(file.left.signal.reason)
      file.left.signal.throwIfAborted()
      if (!(await canKeep(file, rendering))) {
        entry.passed = { rendering }
        forget(entry)
        return
      }
      entry.length = rendering.length
      rename(entry, rendering.revision)
      entry.written = file.write(rendering).then(
        () => keep(entry),
        () => forget(entry),
      )
    } catch (error) {
      forget(entry)
      throw error
    }
  }

  const forget = (entry: Entry): void => {
    unlist(entry)
    all.delete(entry)
  }

  const canKeep = async (file: DumpFile, { length, estimatedBytes = length }: Rendering): Promise<boolean> => {
    if (estimatedBytes === undefined || estimatedBytes > bytesMax / 2) return false
    try {
      if (!(await hasRoom(folder, estimatedBytes))) return false
      await file.open()
      return true
    } catch {
      return false
    }
  }

  const begin = (key: FileKey, render: (signal: AbortSignal) => Promise<Rendering>): Entry => {
    dropOlder(key)
    const entry: Entry = { file: new DumpFile(folder), key, started: Promise.resolve() }
    listed.set(nameOf(key), entry)
    all.add(entry)
    entry.started = start(entry, render)
    entry.started.catch(() => {})
    return entry
  }

  /** Nobody holds it any more: what is whole is closed, what is not is not wanted. */
  const abandon = (entry: Entry): void => {
    const { file, passed } = entry
    if (file.isWhole) {
      void file.letGo()
      if (listed.get(nameOf(entry.key)) !== entry) all.delete(entry)
      return
    }
    if (passed) return void passed.rendering?.stream.cancel().catch(() => {})
    const reason = new Error('nobody waits for the file any more')
    forget(entry)
    file.left.abort(reason)
  }

  const hold = (entry: Entry, signal: AbortSignal | undefined): HeldFile => {
    const { file } = entry
    let over = false
    file.holds += 1
    const isOver = () => over
    const leave = () => {
      if (over) return
      over = true
      signal?.removeEventListener('abort', leave)
      file.holds -= 1
      if (file.holds === 0) abandon(entry)
      file.wake()
    }
    signal?.addEventListener('abort', leave, { once: true })
    if (signal?.aborted) leave()
    return {
      get revision() {
        return entry.key.revision
      },
      rendering: file.rendering,
      get length() {
        return file.isWhole ? file.bytes : entry.length
      },
      async whole() {
        const bytes = await file.whole(isOver)
        signal?.throwIfAborted()
        return bytes
      },
      read: (part?: Part) => streamOf(file, part, isOver, leave),
      leave,
    }
  }

  return {
    find(key) {
      const entry = listed.get(nameOf(key))
      return entry?.file.isWhole ? { length: entry.file.bytes, rendering: entry.file.rendering } : undefined
    },

    async open(key, render, { signal }) {
      for (;;) {
        if (closed) throw new ServiceUnavailable('The datastore is closing.')
        const entry = listed.get(nameOf(key)) ?? begin(key, render)
        const wasWhole = entry.file.isWhole
        const held = hold(entry, signal)
        try {
          await orAborted(entry.started, signal)
          if (entry.passed) {
            const { rendering } = entry.passed
            if (!rendering) return undefined
            entry.passed = {}
            signal?.addEventListener('abort', () => entry.file.left.abort(signal.reason), { once: true })
            return { passed: rendering }
          }
          await entry.file.open()
        } catch (error) {
          held.leave()
          if (!wasWhole || signal?.aborted) throw error
          // Somebody has taken the file away.
          forget(entry)
          continue
        }
        touch(listed, nameOf(entry.key), entry)
        return { held }
      }
    },

    async close() {
      closed = true
      const reason = new ServiceUnavailable('The datastore is closing.')
      const entries = [...all]
      listed.clear()
      all.clear()
      for (const { file } of entries) file.left.abort(reason)
      await Promise.allSettled(entries.flatMap(({ file, started, written }) => [file.fail(reason), started, written]))
    },
  }
}

function nameOf({ table, revision, form }: FileKey): string {
  return JSON.stringify([table, revision, form])
}

/** Moves an entry to the end of its map. */
function touch<T>(map: Map<string, T>, name: string, entry: T): void {
  if (map.get(name) !== entry) return
  map.delete(name)
  map.set(name, entry)
}

async function orAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return work
  signal.throwIfAborted()
  let abort = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
  })
  await Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', abort))
}
