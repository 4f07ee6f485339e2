import type { LoadParams, RejectedParams } from '../../schemas/load.ts'
import type { LoadEvent, Upload } from '../../services/load/index.ts'
import * as loads from '../../services/load/index.ts'
import { fileHeaders } from '../attachment.ts'
import { tellCatalogue } from '../catalogue.ts'
import type { Context } from '../context.ts'
import { renderError } from '../errors.ts'
import type { Answer, Grants, Input, Operation, Reply } from '../operation.ts'
import { success } from '../respond.ts'
import { callOptions, serviceContext, toAnswer } from './answer.ts'

type Report = (event: LoadEvent) => void

/** `/datastore/load/<id>`: a file into a table. Whoever accepts `application/x-ndjson` is told how far it is. */
export async function load(input: Input<LoadParams>, granted: Grants['load']): Promise<Answer | Reply> {
  const { request } = input.context
  if (!/\bapplication\/x-ndjson\b/i.test(request.headers.get('accept') ?? '')) return run(input, granted)
  return {
    status: 200,
    headers: { 'Content-Type': 'application/x-ndjson; charset=utf-8' },
    body: events(input, granted),
  }
}

async function run(
  { context, params }: Input<LoadParams>,
  { table, decision }: Grants['load'],
  report?: Report,
): Promise<Answer> {
  const resourceId = params.resource_id as string
  const options = { ...callOptions(context), ...(report && { report }) }
  const answered = await loads.load(serviceContext(context), resourceId, params, context.upload as Upload, options)
  const change = table
    ? ({ kind: 'written', resourceId } as const)
    : ({ kind: 'created', resourceId, schema: answered.result.schema } as const)
  const { rejectedFile } = answered
  const result = rejectedFile !== undefined && { rejected_url: rejectedUrl(context, resourceId, rejectedFile) }
  return toAnswer(answered, { ...(result && { result }), warnings: await tellCatalogue(context, decision, change) })
}

function rejectedUrl({ site }: Context, resourceId: string, rejectedFile: string): string {
  return `${site}/datastore/load/${encodeURIComponent(resourceId)}/rejected/${rejectedFile}`
}

/** `/datastore/load/<id>/rejected/<file>`: the rows that a load has left out, for those who may load. */
export async function rejectedRows(
  { context, params }: Input<RejectedParams>,
  { table }: Grants['resource'],
): Promise<Reply> {
  const file = params.rejected_file as string
  const { stream, ...kind } = await loads.rejectedRows(serviceContext(context), table, file, callOptions(context))
  return { status: 200, headers: fileHeaders(kind), body: stream }
}

/** How often a listener hears something, so that nobody between takes the connection for dead. */
const HEARTBEAT_MS = 15_000

/** One JSON object a line: progress, stages, and at the end the answer or the error that would else have been the body. */
function events(input: Input<LoadParams>, granted: Grants['load']): ReadableStream<Uint8Array> {
  const { context } = input
  const encoder = new TextEncoder()
  let done = false
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const write = (line: string) => {
        if (!done) controller.enqueue(encoder.encode(`${line}\n`))
      }
      let last = JSON.stringify({ event: 'stage', stage: 'receiving' })
      const tell = (event: LoadEvent) => {
        last = JSON.stringify(event)
        write(last)
      }
      write(last)
      const heartbeat = setInterval(() => write(last), HEARTBEAT_MS)
      run(input, granted, tell)
        .then(
          (answer) => write(asEvent('done', success(context, context.operation as Operation, answer))),
          (error) => write(asEvent('error', renderError(context, error))),
        )
        .finally(() => {
          clearInterval(heartbeat)
          if (!done) controller.close()
        })
    },
    cancel() {
      done = true
    },
  })
}

/** An envelope as an event: its members beside `event`. */
function asEvent(event: 'done' | 'error', { status, body }: Reply): string {
  const text = new TextDecoder().decode(body as Uint8Array)
  const head = `{"event": "${event}", "status": ${status}`
  return text.startsWith('{') ? `${head}, ${text.slice(1)}` : `${head}, "error": ${text}}`
}
