import { DatastoreError, NotAuthorized, NotFound, ServiceUnavailable } from '../core/errors.ts'
import type { Engine } from '../infrastructure/engines/engine.ts'

export interface PurgeReport {
  /** Tables that were looked at. */
  tables: number
  /** Tables whose resource the catalogue no longer has: removed, or with `dryRun` to be removed. */
  purged: string[]
  /** Tables that stay because the catalogue did not say whether it has them, or because they could not be removed. */
  unknown: Kept[]
}

export interface Kept {
  table: string
  reason: string
  /** The catalogue has the resource, or has had it, and does not show it to whom asks. */
  denied?: boolean
}

export interface PurgeOptions {
  /** Asks the catalogue for a resource: throws `NotFound` when it has none, anything else when it does not say. */
  lookUp(id: string): Promise<unknown>
  dryRun?: boolean
  /** Also when the catalogue knows not a single table, as one does that is the wrong one. */
  force?: boolean
  /** Between the first time of asking and the second. */
  pauseMs?: number
}

/** Why nothing is removed. */
export class WrongCatalogue extends Error {}

const PAGE = 500
/** After so many questions in a row without an answer the others are not put. */
const MOST_UNANSWERED = 10

/**
 * Removes the tables whose resource the catalogue no longer has. It must say so twice: an error, a denial or a no that
 * is gone the second time keeps the table.
 *
 * @throws WrongCatalogue when it has none of the tables, unless `force`; ServiceUnavailable when it does not answer.
 */
export async function purge(engine: Engine, options: PurgeOptions): Promise<PurgeReport> {
  const { lookUp, dryRun = false, force = false, pauseMs = 1000 } = options
  const report: PurgeReport = { tables: 0, purged: [], unknown: [] }
  let there = 0
  let unanswered = 0
  const isGone = async (table: string): Promise<boolean> => {
    const error = await lookUp(table).then(() => undefined, toError)
    unanswered = error instanceof ServiceUnavailable ? unanswered + 1 : 0
    if (error instanceof NotFound) return true
    const denied = error instanceof NotAuthorized
    if (error === undefined || denied) there += 1
    if (error) report.unknown.push({ table, reason: error.message, ...(denied && { denied }) })
    if (unanswered === MOST_UNANSWERED && report.purged.length === 0) throw error
    return false
  }

  const missing: string[] = []
  for await (const id of ids(engine)) {
    report.tables += 1
    if (await isGone(id)) missing.push(id)
  }
  if (missing.length === 0) return report
  if (there === 0 && !force) {
    throw new WrongCatalogue(
      `The catalogue has none of the ${report.tables} tables here: is it the right one? Nothing was removed; --force removes those that it knows nothing of.`,
    )
  }
  await new Promise((resolve) => {
    setTimeout(resolve, pauseMs)
  })
  for (const id of missing) {
    if (!(await isGone(id))) continue
    const kept = dryRun ? undefined : await remove(engine, id)
    if (kept) report.unknown.push(kept)
    else report.purged.push(id)
  }
  return report
}

const toError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error('no reason given'))

/** Answers why the table stays; one that somebody else has removed meanwhile is gone, too. */
async function remove(engine: Engine, id: string): Promise<Kept | undefined> {
  try {
    await engine.delete({ id, what: 'table' })
    return undefined
  } catch (error) {
    if (error instanceof NotFound) return undefined
    if (error instanceof DatastoreError) return { table: id, reason: error.message }
    throw error
  }
}

async function* ids(engine: Engine): AsyncGenerator<string> {
  for (let after: string | undefined; ; ) {
    const page = await engine.list({ after, limit: PAGE })
    for (const { id } of page) yield id
    after = page.at(-1)?.id
    if (page.length < PAGE) return
  }
}
