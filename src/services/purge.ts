import { NotFound } from '../core/errors.ts'
import type { Engine } from '../infrastructure/engines/engine.ts'

export interface PurgeReport {
  /** Tables that were looked at. */
  tables: number
  /** Tables whose resource the catalogue no longer has: removed, or with `dryRun` to be removed. */
  purged: string[]
  /** Tables about which the catalogue gave no answer: they stay. */
  unknown: { table: string; reason: string }[]
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

/**
 * Removes the tables whose resource the catalogue no longer has. It must say so twice: an error, a denial or a no that
 * is gone the second time keeps the table.
 *
 * @throws WrongCatalogue when it has none of the tables, unless `force`.
 */
export async function purge(engine: Engine, options: PurgeOptions): Promise<PurgeReport> {
  const { lookUp, dryRun = false, force = false, pauseMs = 1000 } = options
  const report: PurgeReport = { tables: 0, purged: [], unknown: [] }
  const isGone = async (table: string): Promise<boolean> => {
    try {
      await lookUp(table)
    } catch (error) {
      if (error instanceof NotFound) return true
      report.unknown.push({ table, reason: error instanceof Error ? error.message : 'no reason given' })
    }
    return false
  }

  const missing: string[] = []
  for await (const id of ids(engine)) {
    report.tables += 1
    if (await isGone(id)) missing.push(id)
  }
  if (missing.length === 0) return report
  if (missing.length === report.tables && !force) {
    throw new WrongCatalogue(
      `The catalogue has none of the ${report.tables} tables here: is it the right one? Nothing was removed; --force removes them all.`,
    )
  }
  await new Promise((resolve) => {
    setTimeout(resolve, pauseMs)
  })
  for (const id of missing) {
    if (!(await isGone(id))) continue
    if (!dryRun) await engine.delete({ id, what: 'table' })
    report.purged.push(id)
  }
  return report
}

async function* ids(engine: Engine): AsyncGenerator<string> {
  for (let after: string | undefined; ; ) {
    const page = await engine.list({ after, limit: PAGE })
    for (const { id } of page) yield id
    after = page.at(-1)?.id
    if (page.length < PAGE) return
  }
}
