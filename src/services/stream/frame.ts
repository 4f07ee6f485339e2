/**
 * What stands around the rows of a file. `lastLine.trim` bytes at their end give way to `lastLine.after`, as the comma
 * behind the last item must; where there are no rows, nothing does.
 */
export interface Frame {
  before: string
  after: string
  lastLine?: { trim: number; after: string }
}

const encoder = new TextEncoder()

/** Rows with their frame around them. */
export function frame(
  rows: ReadableStream<Uint8Array>,
  { before, after, lastLine }: Frame,
): ReadableStream<Uint8Array> {
  let held = new Uint8Array()
  return rows.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>(
      {
        start(controller) {
          if (before) controller.enqueue(encoder.encode(before))
        },
        transform(chunk, controller) {
          if (!lastLine) return controller.enqueue(chunk)
          const joined = new Uint8Array(held.length + chunk.length)
          joined.set(held)
          joined.set(chunk, held.length)
          const cut = Math.max(0, joined.length - lastLine.trim)
          if (cut > 0) controller.enqueue(joined.subarray(0, cut))
          held = joined.slice(cut)
        },
        flush(controller) {
          const end = held.length > 0 ? `${lastLine?.after}${after}` : after
          if (end) controller.enqueue(encoder.encode(end))
        },
      },
      undefined,
      { highWaterMark: 0 },
    ),
  )
}

/** Bytes of a file from those of its rows. */
export function framedLength(rows: number, { before, after, lastLine }: Frame): number {
  const last = lastLine && rows > 0 ? encoder.encode(lastLine.after).length - Math.min(lastLine.trim, rows) : 0
  return encoder.encode(before).length + rows + last + encoder.encode(after).length
}
