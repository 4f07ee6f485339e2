import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SqlDumped, SqlDumpPlan } from '../engine.ts'
import { openExported, streamExported } from '../files/exported-file.ts'
import { quoteLiteral } from '../sql/quote.ts'
import type { Session } from './client.ts'
import { exportFormats } from './export.ts'
import { dialect, resultColumns } from './sql.ts'
import { sqlFailure } from './sql-failure.ts'
import type { Store } from './store.ts'

/** How often the disk is looked at while a result grows on it. */
const HEADROOM_MS = 250

/**
 * Writes the result of a statement that both gates have let through as a file, read-only, and streams that: what fails
 * does so before the first byte (traps T1), and a client that stalls holds neither a thread nor a connection.
 *
 * @param checkHeadroom - Throws when the disk is nearly full: the statement is then stopped.
 */
export async function dumpSql(
  { client, storage }: Pick<Store, 'client' | 'storage'>,
  plan: SqlDumpPlan,
  checkHeadroom: () => Promise<void>,
  signal?: AbortSignal,
): Promise<SqlDumped> {
  await checkHeadroom()
  const file = join(client.folders.export, `${randomUUID()}.${plan.format}`)
  const full = new AbortController()
  const watch = setInterval(() => void checkHeadroom().catch((error) => full.abort(error)), HEADROOM_MS)
  const stop = signal ? AbortSignal.any([signal, full.signal]) : full.signal
  try {
    const { rows, fields } = await client.session(
      async (session) => write(session, plan, file, await storage.expose(session, plan.resolved)),
      stop,
      'sql',
    )
    if (plan.rowsMax !== undefined && rows > plan.rowsMax) {
      await rm(file, { force: true })
      return { kind: 'too large', hint: `The result has more than ${plan.rowsMax} rows.` }
    }
    const exported = await openExported(file)
    return { kind: 'stream', fields, stream: streamExported(exported), length: exported.bytes }
  } catch (error) {
    await rm(file, { force: true })
    stop.throwIfAborted()
    throw sqlFailure(error, plan.sql)
  } finally {
    clearInterval(watch)
  }
}

async function write(session: Session, plan: SqlDumpPlan, file: string, aliases: string) {
  return session.transaction(
    async () => {
      const columns = await resultColumns(session, `${aliases} SELECT * FROM (${plan.sql}\n)`)
      const { columns: written, copyOptions } = exportFormats[plan.format]
      const cells = columns.map(({ cell }) => cell)
      const shown = written(cells, dialect, plan.line ?? { before: '', after: '' }).join(', ')
      const names = columns.map((_, index) => `c${index}`).join(', ')
      const limit = plan.rowsMax === undefined ? '' : ` LIMIT ${plan.rowsMax + 1}`
      const rows = await session.run(
        `COPY (${aliases} SELECT ${shown} FROM (${plan.sql}\n) AS q(${names})${limit}) TO ${quoteLiteral(file)} (${copyOptions})`,
      )
      return { rows, fields: columns.map(({ name, typeName }) => ({ id: name, type: typeName })) }
    },
    { readOnly: true },
  )
}
