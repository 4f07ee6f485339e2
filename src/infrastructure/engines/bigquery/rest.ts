import type { GoogleErrorItem } from './failures.ts'

/** One cell as the REST API sends it: a text, null, or a nested list. */
export type RestCell = { v: string | null | RestCell[] | { f: RestCell[] } }
export interface RestField {
  name: string
  type: string
  mode?: string
  fields?: RestField[]
  description?: string
  /** Of NUMERIC(p, s), BIGNUMERIC(p, s) and STRING(n). */
  precision?: string
  scale?: string
  maxLength?: string
}

/** A request to the API; `uri` is below the project. */
export interface RestRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  uri: string
  json?: unknown
  qs?: Record<string, string | number | boolean>
}

/** Where a job is found. */
export interface RestJobReference {
  jobId?: string
  location?: string
}

/** What `jobs.query` and `jobs.getQueryResults` answer. */
export interface RestResult {
  jobReference?: RestJobReference
  jobComplete?: boolean
  schema?: { fields?: RestField[] }
  rows?: { f: RestCell[] }[]
  totalRows?: string
  pageToken?: string
}

/** What `jobs.insert` and `jobs.get` answer. */
export interface RestJob {
  jobReference?: RestJobReference
  status?: { state?: string; errorResult?: GoogleErrorItem }
  statistics?: {
    totalBytesProcessed?: string
    query?: {
      statementType?: string
      totalBytesProcessed?: string
      referencedTables?: readonly { projectId: string; datasetId: string; tableId: string }[]
      referencedRoutines?: readonly unknown[]
      schema?: { fields?: RestField[] }
    }
  }
}

/** What `tables.get` answers. */
export interface RestTable {
  schema?: { fields?: RestField[] }
  lastModifiedTime?: string
  creationTime?: string
  numBytes?: string
  numRows?: string
  description?: string
  labels?: Record<string, string>
  type?: string
}

/** What `tables.list` answers. */
export interface RestTableList {
  tables?: { tableReference: { tableId: string }; labels?: Record<string, string>; type?: string }[]
  nextPageToken?: string
}
