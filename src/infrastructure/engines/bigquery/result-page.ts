import type { RestCell, RestField, RestResult } from './rest.ts'

/** A page of a result. */
export interface ResultPage {
  fields: readonly RestField[]
  rows: readonly { f: RestCell[] }[]
  /** Rows of the whole result. */
  totalRows: number
  jobId: string
  pageToken?: string
}

export function pageOf({ schema, rows, totalRows, pageToken }: RestResult): Omit<ResultPage, 'jobId'> {
  return {
    fields: schema?.fields ?? [],
    rows: rows ?? [],
    totalRows: Number(totalRows ?? rows?.length ?? 0),
    ...(pageToken && { pageToken }),
  }
}
