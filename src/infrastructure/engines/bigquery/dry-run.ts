import type { RestField, RestJob } from './rest.ts'

/** A statement as BigQuery would run it. */
export interface DryRun {
  statementType: string
  referencedTables: readonly { projectId: string; datasetId: string; tableId: string }[]
  referencedRoutines: readonly unknown[]
  totalBytesProcessed: number
  fields: readonly RestField[]
}

export function readDryRun({ statistics }: RestJob): DryRun {
  const { query, totalBytesProcessed } = statistics ?? {}
  return {
    statementType: query?.statementType ?? '',
    referencedTables: query?.referencedTables ?? [],
    referencedRoutines: query?.referencedRoutines ?? [],
    totalBytesProcessed: Number(query?.totalBytesProcessed ?? totalBytesProcessed ?? 0),
    fields: query?.schema?.fields ?? [],
  }
}
