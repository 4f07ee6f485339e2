import type { DumpParams } from '../../schemas/dump.ts'
import * as dumps from '../../services/dump.ts'
import type { Grants, Input, Reply } from '../operation.ts'
import { callOptions, serviceContext } from './answer.ts'

/** `/datastore/dump/<id>`: the file as a stream, or where to fetch it (contract §8.9, §10.2 row 46). */
export async function dump({ context, params }: Input<DumpParams>, { table }: Grants['table']): Promise<Reply> {
  const dumped = await dumps.dump(serviceContext(context), table, params, callOptions(context))
  if ('redirect' in dumped) return { status: 302, headers: { Location: dumped.redirect }, body: null }
  return {
    status: 200,
    headers: {
      ...dumped.headers,
      'Content-Type': dumped.contentType,
      'Content-Disposition': attachment(dumped.filename),
    },
    body: dumped.stream,
  }
}

/** A header that no file name can break out of. Browsers read the second form, old clients the first. */
function attachment(filename: string): string {
  const plain = filename.replace(/[^\x20-\x7e]|["\\%/]/g, '_')
  if (plain === filename) return `attachment; filename="${filename}"`
  const wellFormed = new TextDecoder().decode(new TextEncoder().encode(filename))
  const encoded = encodeURIComponent(wellFormed).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
