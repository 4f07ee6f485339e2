import { ValidationError } from '../../core/errors.ts'
import type { DumpParams } from '../../schemas/dump.ts'
import * as dumps from '../../services/dump.ts'
import { fileHeaders } from '../attachment.ts'
import type { Grants, Input, Reply } from '../operation.ts'
import { sendFile } from '../ranges.ts'
import { entityTag, notModified, REVALIDATED, renderedTag } from '../versions.ts'
import { callOptions, serviceContext } from './answer.ts'

/**
 * `/datastore/dump/<id>` and `/datastore/dump/<id>.<extension>`: the file as a stream, or where to fetch it (contract
 * §8.9, §10.2 row 46). Its tag is made of the table's revision and what was asked, so that neither `HEAD` nor a client
 * that has the file makes the engine write it.
 */
export async function dump(
  { context, params: given, raw }: Input<DumpParams>,
  { table, format }: Grants['download'],
): Promise<Reply> {
  const params = {
    ...given,
    resource_id: table.id,
    offset: given.offset ?? 0,
    format: format ? agreed(format, raw.format) : given.format || 'csv',
  } as DumpParams
  const asked = `dump ${JSON.stringify(Object.entries(params).sort())}`
  const headersOf = (revision: number, rendering?: string) => {
    const tag = entityTag(context, { id: table.id, revision }, asked)
    return {
      ...REVALIDATED,
      ETag: rendering !== undefined && dumps.varies(params) ? renderedTag(tag, rendering) : tag,
      'Last-Modified': new Date(table.updatedAt).toUTCString(),
    }
  }
  const held = notModified(context, headersOf(table.revision).ETag)
  if (held) return held
  if (context.request.method === 'HEAD') {
    const known = dumps.describeDump(serviceContext(context), table, params)
    const ranges = known.rendering !== undefined && { 'Accept-Ranges': 'bytes' }
    const headers = { ...headersOf(table.revision, known.rendering), ...fileHeaders(known), ...ranges }
    return { status: 200, headers, body: null }
  }
  const dumped = await dumps.dump(serviceContext(context), table, params, callOptions(context))
  if ('redirect' in dumped) return { status: 302, headers: { Location: dumped.redirect }, body: null }
  if ('held' in dumped) {
    const headers = { ...headersOf(dumped.revision, dumped.held.rendering), ...fileHeaders(dumped) }
    return sendFile(context, dumped.held, headers)
  }
  return { status: 200, headers: { ...headersOf(dumped.revision), ...fileHeaders(dumped) }, body: dumped.stream }
}

/** The format that the file's name ends with; one that was also asked for in words must be the same. */
function agreed(named: string, asked: unknown): string {
  if (asked !== undefined && asked !== '' && asked !== named) {
    throw new ValidationError({ format: [`The name asks for ${named} and the parameter for ${asked}`] })
  }
  return named
}
