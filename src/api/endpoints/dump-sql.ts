import type { DumpSqlParams } from '../../schemas/datastore-search-sql.ts'
import * as sql from '../../services/sql.ts'
import { fileHeaders } from '../attachment.ts'
import type { Grants, Input, Reply } from '../operation.ts'
import { REVALIDATED } from '../versions.ts'
import { callOptions, serviceContext } from './answer.ts'

/** `/datastore/dump/query?sql=…`: the result of a statement as a file (contract §9.9). `HEAD` does not run it. */
export async function dumpSql(
  { context, params }: Input<DumpSqlParams>,
  { authorizeTable }: Grants['statement'],
): Promise<Reply> {
  const given = [serviceContext(context), params, authorizeTable, callOptions(context)] as const
  if (context.request.method === 'HEAD') {
    const kind = await sql.describeSqlDump(...given)
    return { status: 200, headers: { ...REVALIDATED, ...fileHeaders(kind) }, body: null }
  }
  const dumped = await sql.dumpSql(...given)
  if ('redirect' in dumped) return { status: 302, headers: { Location: dumped.redirect }, body: null }
  return { status: 200, headers: { ...REVALIDATED, ...fileHeaders(dumped) }, body: dumped.stream }
}
