import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { UnknownOutcome } from './failures.ts'
import { quoteName } from './names.ts'
import type { Source } from './source.ts'
import { ITEM } from './source.ts'
import type { Store } from './store.ts'

/** Rows in a table that only one write knows of. */
export interface Stage extends Source {
  readonly name: string
  drop(): Promise<void>
}

/** Runs `work` on what is staged, and drops it then: unless the job that reads it may be running yet. */
export async function dropping<T>(staged: Pick<Stage, 'drop'>, work: () => Promise<T>): Promise<T> {
  let isRead = false
  try {
    return await work()
  } catch (error) {
    isRead = error instanceof UnknownOutcome
    throw error
  } finally {
    if (!isRead) await staged.drop()
  }
}

/**
 * Puts rows into a table of their own by a load job, which costs nothing and has no limit on their number.
 *
 * @param rows - JSON lists; `signal` ends the upload.
 */
export async function loadStage(
  store: Store,
  rows: Iterable<string> | AsyncIterable<string>,
  signal?: AbortSignal,
): Promise<Stage> {
  const name = `_stage_${randomUUID().replaceAll('-', '')}`
  const { client, logger } = store
  const drop = async () => {
    await client.script(`DROP TABLE IF EXISTS ${quoteName(name)}`).catch((error) => {
      logger.warning('a staging table was left behind; it expires within a day', { table: name, error: String(error) })
    })
  }
  try {
    await client.upload(name, [{ name: ITEM, type: 'STRING' }], Readable.from(linesOf(rows)), signal)
  } catch (error) {
    await drop()
    throw error
  }
  return { name, from: `${quoteName(name)} AS s_`, params: {}, drop }
}

/** Rows travel together: each piece costs a turn of the event loop. */
const PIECE_CHARACTERS = 64 * 1024

async function* linesOf(rows: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
  let waiting = ''
  for await (const row of rows) {
    waiting += `${JSON.stringify({ [ITEM]: row })}\n`
    if (waiting.length < PIECE_CHARACTERS) continue
    yield waiting
    waiting = ''
  }
  if (waiting !== '') yield waiting
}
