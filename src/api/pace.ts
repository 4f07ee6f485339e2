import { BadRequest, DatastoreError, RequestTimeout } from '../core/errors.ts'

type Stream = ReadableStream<Uint8Array>

/** A client that sends nothing for so long, while it is waited for, has stalled. */
const STALL_MS = 60_000
/** A body must come at this rate at least, after a minute that is free. */
const FREE_MS = 60_000
const SLOWEST_BYTES_PER_SECOND = 256 * 1024

/** The longest that a body of so many bytes may take, in milliseconds. */
export const longestMs = (bytes: number): number => FREE_MS + (bytes * 1000) / SLOWEST_BYTES_PER_SECOND

/** How long a client is waited for in all, in milliseconds. The time in which it waits for us does not count. */
export class Pace {
  #leftMs: number

  constructor(totalMs = Number.POSITIVE_INFINITY) {
    this.#leftMs = totalMs
  }

  /**
   * Waits for what the client sends next.
   *
   * @param stallMs - For how long this once.
   * @throws RequestTimeout when it does not come in time; BadRequest when it is cut off.
   */
  async wait<T>(next: Promise<T>, stallMs = STALL_MS): Promise<T> {
    const start = performance.now()
    let timer: ReturnType<typeof setTimeout> | undefined
    const tooSlow = new Promise<never>((_resolve, reject) => {
      const overdue = () => reject(new RequestTimeout("The request's body comes too slowly, or not at all."))
      timer = setTimeout(overdue, Math.min(stallMs, this.#leftMs))
    })
    try {
      return await Promise.race([next, tooSlow])
    } catch (error) {
      throw error instanceof DatastoreError ? error : new BadRequest('The request ended before its body did')
    } finally {
      clearTimeout(timer)
      this.#leftMs -= performance.now() - start
    }
  }
}

/** A request's body of any length, whose client may take its time, but not stall. */
export function fromClient(body: Stream): Stream {
  const reader = body.getReader()
  const pace = new Pace()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await pace.wait(reader.read())
          if (done) controller.close()
          else controller.enqueue(value)
        } catch (error) {
          reader.cancel(error).catch(() => {})
          throw error
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
