import { ValidationError } from '../../../../core/errors.ts'
import { invalid, notAuthorized } from './tokens.ts'

/** What BigQuery says of a statement without running it. */
export interface DryRun {
  statementType: string
  referencedTables: readonly { projectId: string; datasetId: string; tableId: string }[]
  /** Functions that somebody made; none of those that are built in. */
  referencedRoutines: readonly unknown[]
  totalBytesProcessed: number
}

/** What a statement may read and bill. */
export interface DryRunLimits {
  project: string
  dataset: string
  /** The stored names of the tables that were authorized. */
  tables: ReadonlySet<string>
  /** `BIGQUERY_MAX_BYTES_BILLED`. */
  maxBytes?: number | undefined
}

/**
 * The last word of the gate is BigQuery's own: it must take the statement for a query over no other tables than those
 * that were authorized, without routines, within the budget.
 *
 * @throws {NotAuthorized} 403 another kind of statement, other tables, routines
 * @throws {ValidationError} 409 too many bytes, with the estimate
 */
export function checkDryRun(dryRun: DryRun, { project, dataset, tables, maxBytes }: DryRunLimits): void {
  if (dryRun.statementType !== 'SELECT') throw notAuthorized('run anything but a query')
  for (const { projectId, datasetId, tableId } of dryRun.referencedTables) {
    const isOurs = projectId === project && datasetId === dataset && tables.has(tableId)
    if (!isOurs) throw notAuthorized('read resource')
  }
  if (dryRun.referencedRoutines.length > 0) throw notAuthorized('call routines')
  if (maxBytes !== undefined && dryRun.totalBytesProcessed > maxBytes) throw overBudget(dryRun.totalBytesProcessed)
  if (!Number.isFinite(dryRun.totalBytesProcessed)) throw invalid('Query could not be estimated.')
}

function overBudget(bytes: number): ValidationError {
  const sentence = `The statement would scan ${bytes} bytes, more than BIGQUERY_MAX_BYTES_BILLED allows. Ask for fewer columns, or filter.`
  return new ValidationError({ query: [sentence] }, { message: sentence })
}
