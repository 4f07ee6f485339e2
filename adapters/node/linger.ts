import type { IncomingMessage } from 'node:http'

/** How long in all, and how long without a byte, as other servers do it. */
const LINGER_MS = 30_000
const SILENCE_MS = 5_000

/**
 * Has a connection end in two steps once the answer is out: no more is said, and what the client still sends of a body
 * that was refused is thrown away for a while. A connection that is closed at once is reset while the client sends, and
 * one that reads only when it has sent everything, as Python's do, would never hear why.
 */
export function lingerWhenDone(incoming: IncomingMessage): void {
  const { socket } = incoming
  let lingers = false
  socket.destroySoon = () => {
    if (lingers) return
    lingers = true
    const close = () => {
      clearTimeout(deadline)
      socket.destroy()
    }
    const deadline = setTimeout(close, LINGER_MS).unref()
    socket.setTimeout(SILENCE_MS, close)
    socket.once('end', close)
    incoming.once('end', close)
    socket.end()
    // A stream that was made of the body would pause it again.
    incoming.removeAllListeners('data').resume()
  }
}
