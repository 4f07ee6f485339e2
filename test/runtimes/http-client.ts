import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'

/** How HTTP asks a server: nothing is followed, decoded or retried. */
export interface ClientOptions {
  /** Whom a server that ends TLS is believed by. */
  ca?: string
}

/** An answer of a server, all of it. Throws when the connection breaks before its end. */
export function askOverHttp(
  url: URL,
  { method, headers, body }: { method: string; headers: Record<string, string>; body?: Uint8Array },
  { ca }: ClientOptions = {},
): Promise<Response> {
  const send = url.protocol === 'https:' ? secureRequest : plainRequest
  return new Promise((resolve, reject) => {
    const outgoing = send(url, { method, headers, ca, agent: false }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('error', reject)
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        const pairs = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
          values.map((value): [string, string] => [name, value]),
        )
        const status = incoming.statusCode as number
        const content = [204, 304].includes(status) ? null : new Uint8Array(Buffer.concat(chunks))
        resolve(new Response(content, { status, headers: pairs }))
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** Where the contract's cases believe to be. */
const HOME = 'http://localhost:8000'

/**
 * The `fetch` of a datastore that a server carries requests to. The cases know one address: requests are sent to
 * `base` instead, and links in answers must lead there.
 */
export function fetchOverHttp(base: string, options: ClientOptions = {}): (request: Request) => Promise<Response> {
  return async (request) => {
    const { method, headers, url } = request
    const body = request.body ? new Uint8Array(await request.arrayBuffer()) : undefined
    const response = await askOverHttp(
      new URL(base + url.slice(HOME.length)),
      { method, headers: Object.fromEntries(headers), body },
      options,
    )
    if (!/json|javascript/.test(response.headers.get('content-type') ?? '')) return response
    if (response.headers.has('content-encoding')) return response
    const text = (await response.text()).replaceAll(`${base}/`, `${HOME}/`)
    return new Response(text, { status: response.status, headers: response.headers })
  }
}
