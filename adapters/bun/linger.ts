/** How long in all, and how long without a byte, as on Node. */
const LINGER_MS = 30_000
const SILENCE_MS = 5_000

/**
 * Answers a request behind which the client wants the connection closed. What is left of a body that was refused is read
 * and thrown away before the answer goes out: Bun closes the connection right behind it, and a client that reads
 * only when it has sent everything, as Python's `urllib` does, would never hear why. On connections that stay open Bun
 * itself reads on.
 */
export async function answerLast(request: Request, answer: (request: Request) => Promise<Response>): Promise<Response> {
  const isLast = /\bclose\b/i.test(request.headers.get('connection') ?? '')
  if (!isLast || !request.body) return answer(request)
  const { body, drain } = watch(request.body)
  const response = await answer(new Request(request, { body, duplex: 'half' } as RequestInit))
  if (response.status >= 400) await drain()
  return response
}

function watch(source: ReadableStream<Uint8Array>): { body: ReadableStream<Uint8Array>; drain(): Promise<void> } {
  const reader = source.getReader()
  let isRead = false
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (!done) return controller.enqueue(value)
        isRead = true
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  return {
    body,
    async drain() {
      if (isRead) return
      const deadline = Date.now() + LINGER_MS
      while (Date.now() < deadline && (await hasMore(reader)));
      await reader.cancel().catch(() => {})
    },
  }
}

/** Whether another piece came in time. */
async function hasMore(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), SILENCE_MS)
  })
  const piece = reader.read().then(
    ({ done }) => !done,
    () => false,
  )
  return Promise.race([piece, silence]).finally(() => clearTimeout(timer))
}
