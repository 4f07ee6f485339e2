import type { Writable } from 'node:stream'

/** Waits until a stream takes more, or takes nothing any more. */
export function drained(stream: Writable): Promise<void> {
  const events = ['drain', 'close', 'error'] as const
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) stream.off(event, done)
      resolve()
    }
    for (const event of events) stream.on(event, done)
  })
}
