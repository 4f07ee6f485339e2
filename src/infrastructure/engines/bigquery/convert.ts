import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Bucket, StoredObject } from './bucket.ts'

/** One exported row: each column's text; one that is null may be left out. */
export type TextRow = Readonly<Record<string, string | null>>

/** Writes one row as a line of a file, with its line end. */
export type WriteLine = (row: TextRow) => string

/** Files that are rewritten at the same time. */
const AT_ONCE = 2

/** What rewritten files are. */
export interface Converted {
  nameOf(index: number): string
  contentType: string
  write: WriteLine
}

/**
 * Rewrites exported files of JSON lines as files of another format, each as a stream through this process. Files without
 * a row are left out.
 *
 * @returns The new files, in the order of the old ones.
 */
export async function convert(
  bucket: Bucket,
  exported: readonly StoredObject[],
  { nameOf, contentType, write }: Converted,
): Promise<{ name: string; bytes: number }[]> {
  const sources = exported.filter(({ bytes }) => bytes > 0)
  const waiting = [...sources.entries()]
  const converted: { name: string; bytes: number }[] = []
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, source] = next
      const name = nameOf(index)
      converted[index] = { name, bytes: await convertOne(bucket, source, bucket.create(name, contentType), write) }
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, sources.length) }, work))
  return converted
}

async function convertOne(bucket: Bucket, source: StoredObject, target: Writable, write: WriteLine): Promise<number> {
  let [read, written] = [0, 0]
  await pipeline(
    bucket.open(source.name),
    async function* (chunks: AsyncIterable<Buffer>) {
      const decoder = new TextDecoder('utf-8', { fatal: true })
      let rest = ''
      for await (const chunk of chunks) {
        read += chunk.length
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
        rest = lines.pop() as string
        yield* converted(lines)
      }
      yield* converted([rest + decoder.decode()])
      // A connection that ends early is no end of the file (traps T1).
      if (read !== source.bytes) throw new Error(`${read} of ${source.bytes} bytes of ${source.name} came`)
    },
    target,
  )
  return written

  function* converted(lines: readonly string[]): Generator<Buffer> {
    const text = lines.map((line) => (line === '' ? '' : write(JSON.parse(line) as TextRow))).join('')
    if (text === '') return
    const bytes = Buffer.from(text)
    written += bytes.length
    yield bytes
  }
}
