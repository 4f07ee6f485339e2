/**
 * A stream with bytes before and after it. `lastLine.trim` bytes at its end give way to `lastLine.after`, as the comma
 * behind the last item must; an empty stream has none.
 */
export function frame(
  stream: ReadableStream<Uint8Array>,
  { before, after, lastLine }: { before: string; after: string; lastLine?: { trim: number; after: string } },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let held = new Uint8Array()
  return stream.pipeThrough(
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
