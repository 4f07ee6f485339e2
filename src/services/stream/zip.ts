type Stream = ReadableStream<Uint8Array>

/** A file for a zip file, opened when its turn comes. `length` in bytes, where known. */
export interface ZippedFile {
  name: string
  length?: number | undefined
  open(): Stream
}

/** Files as one zip file, stored as they are, of any size. Its length is known where theirs are. */
export async function zip(
  files: readonly ZippedFile[],
  lastModified: Date,
): Promise<{ stream: Stream; length?: number }> {
  const { makeZip, predictLength } = await import('client-zip')
  const sizes = files.flatMap(({ name, length }) => (length === undefined ? [] : { name, size: length }))
  const known = sizes.length === files.length
  return {
    stream: makeZip(opened(files, lastModified)),
    ...(known && { length: Number(predictLength(sizes)) }),
  }
}

/** One after the other; whoever leaves lets go of the file that is open. */
async function* opened(files: readonly ZippedFile[], lastModified: Date) {
  for (const { name, length, open } of files) {
    const reader = open().getReader()
    const input = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await reader.read()
          if (done) controller.close()
          else controller.enqueue(value)
        },
      },
      { highWaterMark: 0 },
    )
    try {
      yield { name, input, lastModified, ...(length !== undefined && { size: length }) }
    } finally {
      await reader.cancel().catch(() => undefined)
    }
  }
}
