import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Answer {
  status: number
  /** Bytes of the body. */
  bytes: number
  firstByteMs: number
  ms: number
}

/**
 * One keep-alive connection, one request at a time, with as little work on this side as can be: a client that is slow
 * itself would make every server look alike.
 */
export class Connection {
  readonly #socket: Socket
  #head: Buffer | undefined
  #body: Body | undefined
  #start = 0
  #firstByte = 0
  #status = 0
  #settle: { resolve(answer: Answer): void; reject(error: Error): void } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (data) => this.#take(data))
    socket.on('error', (error) => this.#settle?.reject(error))
    socket.on('close', () => this.#settle?.reject(new Error('the connection broke')))
  }

  static async open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port || 80), hostname)
    await once(socket, 'connect')
    return new Connection(socket)
  }

  ask(request: Uint8Array): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#start = performance.now()
      this.#firstByte = 0
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#settle = undefined
    this.#socket.destroy()
  }

  #take(data: Buffer): void {
    let rest = data
    if (!this.#body) {
      this.#head = this.#head ? Buffer.concat([this.#head, data]) : data
      const end = this.#head.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = this.#head.toString('latin1', 0, end)
      rest = this.#head.subarray(end + 4)
      this.#head = undefined
      this.#status = Number(head.slice(9, 12))
      this.#body = bodyOf(head)
    }
    if (rest.length > 0 && this.#firstByte === 0) this.#firstByte = performance.now()
    if (this.#body.take(rest)) this.#end(this.#body.bytes)
  }

  #end(bytes: number): void {
    const now = performance.now()
    const settle = this.#settle
    this.#body = undefined
    this.#settle = undefined
    settle?.resolve({
      status: this.#status,
      bytes,
      firstByteMs: (this.#firstByte || now) - this.#start,
      ms: now - this.#start,
    })
  }
}

interface Body {
  bytes: number
  /** True when the body is whole. */
  take(data: Buffer): boolean
}

function bodyOf(head: string): Body {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) {
    const expected = Number(length)
    return {
      bytes: 0,
      take(data) {
        this.bytes += data.length
        return this.bytes >= expected
      },
    }
  }
  return chunked()
}

function chunked(): Body {
  let left = 0
  let line = ''
  return {
    bytes: 0,
    take(data) {
      let at = 0
      while (at < data.length) {
        if (left > 0) {
          const taken = Math.min(left, data.length - at)
          left -= taken
          at += taken
          continue
        }
        const end = data.indexOf(10, at)
        line += data.toString('latin1', at, end < 0 ? data.length : end)
        if (end < 0) return false
        at = end + 1
        const size = Number.parseInt(line, 16)
        const blank = line.trim() === ''
        line = ''
        if (blank) continue
        // The last chunk, and the blank line after it.
        if (size === 0) return true
        this.bytes += size
        left = size
      }
      return false
    },
  }
}
