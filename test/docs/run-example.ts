import { type Operation, pathTemplate } from '../../src/api/operation.ts'
import { type Example, type ExampleResponse, queryPairs } from '../../src/build/openapi/examples.ts'
import { methodOf } from '../../src/build/openapi/operation.ts'

export interface Ran {
  response: ExampleResponse
  /** What the address of the rejected rows ends with, after a load that left some out. */
  rejectedFile?: string
}

interface Target {
  ask(path: string, init?: RequestInit): Promise<Response>
}

/** Sends an example as it is described, and answers what came back in the same form. */
export async function runExample(
  target: Target,
  operation: Operation,
  example: Example,
  rejectedFile = '',
): Promise<Ran> {
  const { path = {}, query, body, type, text } = example.request
  const filled = pathTemplate(operation).replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((path[name] ?? '').replace('{rejected_file}', rejectedFile)),
  )
  const search = new URLSearchParams(queryPairs(query))
  const sent = body === undefined ? text : JSON.stringify(body)
  const response = await target.ask(`${filled}${search.size > 0 ? `?${search}` : ''}`, {
    method: methodOf(operation, example).toUpperCase(),
    ...(sent !== undefined && { body: sent, headers: { 'Content-Type': type ?? 'application/json' } }),
  })
  const contentType = response.headers.get('content-type') ?? ''
  const answered = await response.text()
  const isJson = /^application\/json/.test(contentType)
  const json = isJson ? JSON.parse(answered) : undefined
  const url = json?.result?.rejected_url as string | undefined
  return {
    response: {
      status: response.status,
      type: contentType,
      ...(isJson ? { body: json } : /^text|json/.test(contentType) ? { text: answered } : {}),
    },
    ...(url !== undefined && { rejectedFile: url.slice(url.lastIndexOf('/') + 1) }),
  }
}
