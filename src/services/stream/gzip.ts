type Stream = ReadableStream<Uint8Array>

/**
 * A stream as a gzip file. Not `pipeThrough`: Node's CompressionStream would take in all that its source gives while
 * nobody reads, as its queue counts pieces where it means bytes. Here it is fed only when it has nothing to hand out.
 */
export function gzip(stream: Stream): Stream {
  const source = stream.getReader()
  const { readable, writable } = new CompressionStream('gzip')
  const sink = writable.getWriter()
  const output = (readable as unknown as Stream).getReader()
  let waiting: ReturnType<typeof output.read> | undefined
  let fed = Promise.resolve()

  const feed = async () => {
    const { done, value } = await source.read()
    await (done ? sink.close() : sink.write(value as Uint8Array<ArrayBuffer>))
  }
  const stop = async (reason: unknown) => {
    await Promise.allSettled([source.cancel(reason), sink.abort(reason), output.cancel(reason)])
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (;;) {
            waiting ??= output.read()
            const piece = await Promise.race([waiting, fed])
            if (piece) {
              waiting = undefined
              return piece.done ? controller.close() : controller.enqueue(piece.value)
            }
            fed = feed()
          }
        } catch (error) {
          void stop(error)
          throw error
        }
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  )
}
