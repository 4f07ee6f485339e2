import { randomUUID } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BigQueryOptions } from '@google-cloud/bigquery'
import type { Config } from '../../../core/config.ts'
import { googleOptions } from './credentials.ts'
import {
  BigqueryFailure,
  type GoogleErrorItem,
  isDecided,
  isDuplicate,
  isTransient,
  NoAnswer,
  readFailure,
  UnknownOutcome,
} from './failures.ts'

/** Reads and user SQL run under the one credential, writes under the other. */
export type Role = 'read' | 'write'

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

/** A page of a result. */
export interface ResultPage {
  fields: readonly RestField[]
  rows: readonly { f: RestCell[] }[]
  /** Rows of the whole result. */
  totalRows: number
  jobId: string
  pageToken?: string
}

export interface QueryOptions {
  /** Named parameters; each is sent as a STRING, so that no digit is lost on the way. */
  params?: Readonly<Record<string, string>>
  role?: Role
  signal?: AbortSignal | undefined
  /** Rows of a page. */
  pageRows?: number
}

/** A statement as BigQuery would run it. */
export interface DryRun {
  statementType: string
  referencedTables: readonly { projectId: string; datasetId: string; tableId: string }[]
  totalBytesProcessed: number
  fields: readonly RestField[]
}

/** What `tables.get` tells, which costs nothing. */
export interface TableInfo {
  fields: readonly RestField[]
  /** Milliseconds since 1970, by Google's clock. */
  lastModifiedTime: number
  creationTime: number
  bytes: number
  /** Without what is still in a streaming buffer. */
  rows: number
  description: string
  labels: Readonly<Record<string, string>>
  type: string
}

/** A table as `tables.list` tells of it. */
export interface ListedTable {
  name: string
  labels: Readonly<Record<string, string>>
  type: string
}

interface RestListedTable {
  tableReference: { tableId: string }
  labels?: Record<string, string>
  type?: string
}

interface RestRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  uri: string
  json?: unknown
  qs?: Record<string, string | number | boolean>
}

/** The slice of `@google-cloud/bigquery` that is called. */
interface Api {
  request(options: RestRequest, callback: (error: unknown, body?: unknown) => void): void
  dataset(id: string): { table(id: string): { createWriteStream(metadata: Record<string, unknown>): Writable } }
}

interface RestResult {
  jobReference?: { jobId?: string; location?: string }
  jobComplete?: boolean
  schema?: { fields?: RestField[] }
  rows?: { f: RestCell[] }[]
  totalRows?: string
  pageToken?: string
}

interface RestJob {
  jobReference?: { jobId?: string; location?: string }
  status?: { state?: string; errorResult?: GoogleErrorItem }
  statistics?: {
    totalBytesProcessed?: string
    query?: {
      statementType?: string
      totalBytesProcessed?: string
      referencedTables?: DryRun['referencedTables']
      schema?: { fields?: RestField[] }
    }
  }
}

/** How long one request to Google waits for a statement; then it is asked for again. */
const WAIT_MS = 10_000
const FIRST_WAIT_MS = 2_000
const ATTEMPTS = 5
const FIRST_PAUSE_MS = 200
const PAGE_ROWS = 10_000
/** Tables of a page of `tables.list`. */
const LISTED = 1_000
/** A stage that nobody dropped is gone after it. */
const STAGE_LIFETIME_MS = 86_400_000
const INT64_TIMESTAMPS = { useInt64Timestamp: true }

/** BigQuery's REST API by the two credentials of this service: queries, scripts, jobs and table descriptions. */
export class Client {
  readonly project: string
  readonly dataset: string
  readonly #apis: Readonly<Record<Role, Api>>
  readonly #config: Config
  #location: string | undefined

  private constructor(config: Config, apis: Readonly<Record<Role, Api>>) {
    this.#config = config
    this.#apis = apis
    this.project = config.bigqueryProject as string
    this.dataset = config.bigqueryDataset as string
    this.#location = config.bigqueryLocation
  }

  /** Loads Google's package on first use. Nothing is asked yet. */
  static async open(config: Config): Promise<Client> {
    const { BigQuery } = await import('@google-cloud/bigquery')
    const api = async (credentials: string | undefined) =>
      new BigQuery({
        ...(await googleOptions(config.bigqueryProject as string, credentials, config.bigqueryApiEndpoint)),
        // A request that was sent twice by the library could write twice: who asks decides.
        autoRetry: false,
        maxRetries: 0,
      } as BigQueryOptions) as unknown as Api
    const write = await api(config.bigqueryCredentials)
    const read = config.bigqueryCredentialsRo === undefined ? write : await api(config.bigqueryCredentialsRo)
    return new Client(config, { read, write })
  }

  /** Runs a SELECT as one request; more pages are fetched by `nextPage`. */
  async query(
    sql: string,
    { params = {}, role = 'read', signal, pageRows = PAGE_ROWS }: QueryOptions = {},
  ): Promise<ResultPage> {
    const { bigqueryMaxBytesBilled: budget, bigqueryUseQueryCache } = this.#config
    const started = this.#retried(role, {
      method: 'POST',
      uri: '/queries',
      json: {
        query: sql,
        useLegacySql: false,
        useQueryCache: bigqueryUseQueryCache,
        ...this.#place(),
        ...namedParameters(params),
        maxResults: pageRows,
        timeoutMs: FIRST_WAIT_MS,
        formatOptions: INT64_TIMESTAMPS,
        ...(budget !== undefined && { maximumBytesBilled: String(budget) }),
      },
    })
    const result = (await this.#cancelling(role, started, signal)) as RestResult
    return this.#complete(role, result, pageRows, signal)
  }

  async nextPage(
    page: ResultPage,
    { role = 'read', signal, pageRows = PAGE_ROWS }: QueryOptions = {},
  ): Promise<ResultPage | undefined> {
    if (page.pageToken === undefined) return undefined
    const result = await this.#results(role, page.jobId, { pageToken: page.pageToken, maxResults: pageRows }, signal)
    return { ...pageOf(result), fields: page.fields, jobId: page.jobId }
  }

  /**
   * Runs a script that writes, as a job with a name of ours: however often a request or its answer is lost, it runs once.
   * Once the job is known to Google the outcome is waited for, so that no write is reported as failed that was done.
   */
  async script(sql: string, { params = {}, signal }: QueryOptions = {}): Promise<ResultPage> {
    signal?.throwIfAborted()
    const configuration = {
      query: { query: sql, useLegacySql: false, defaultDataset: this.#datasetReference(), ...namedParameters(params) },
    }
    const jobId = await this.startJob(configuration, 'write')
    return this.#outcome(jobId, signal)
  }

  /** Starts a job under a name of ours; answers that name. A job that is already known is the one meant. */
  async startJob(configuration: Record<string, unknown>, role: Role): Promise<string> {
    const jobId = `ckan-datastore-${randomUUID()}`
    const jobReference = { projectId: this.project, jobId, ...(this.#location && { location: this.#location }) }
    try {
      const job = (await this.#retried(role, {
        method: 'POST',
        uri: '/jobs',
        json: { jobReference, configuration: { ...configuration, labels: { service: 'ckan-datastore' } } },
      })) as RestJob
      this.#location ??= job.jobReference?.location
    } catch (error) {
      if (!isDuplicate(error)) throw error
    }
    return jobId
  }

  /** Fills a table from a stream of newline-delimited JSON, by a load job. */
  async upload(table: string, fields: readonly RestField[], lines: Readable, signal?: AbortSignal): Promise<void> {
    const target = this.#apis.write
      .dataset(this.dataset)
      .table(table)
      .createWriteStream({
        jobId: `ckan-datastore-${randomUUID()}`,
        ...(this.#location && { location: this.#location }),
        sourceFormat: 'NEWLINE_DELIMITED_JSON',
        schema: { fields },
        writeDisposition: 'WRITE_TRUNCATE',
        destinationTableProperties: { expirationTime: String(Date.now() + STAGE_LIFETIME_MS) },
      })
    const started = new Promise<string>((resolve, reject) => {
      target.once('job', (job: { id?: string }) => resolve(String(job.id)))
      target.once('error', reject)
    })
    started.catch(() => {})
    try {
      await pipeline(lines, target, { ...(signal && { signal }) })
      await this.finishJob(await started, 'write', signal)
    } catch (error) {
      signal?.throwIfAborted()
      throw readFailure(error)
    }
  }

  /** Waits for a job of any kind. Throws what it failed with. */
  async finishJob(jobId: string, role: Role, signal?: AbortSignal): Promise<void> {
    for (let pause = 100; ; pause = Math.min(2_000, pause * 2)) {
      const job = (await this.#cancelling(
        role,
        this.#retried(role, { method: 'GET', uri: `/jobs/${jobId}`, qs: this.#locationQuery() }),
        signal,
        jobId,
      )) as RestJob
      if (job.status?.errorResult) throw new BigqueryFailure(job.status.errorResult)
      if (job.status?.state === 'DONE') return
      await sleep(pause)
    }
  }

  async dryRun(sql: string, signal?: AbortSignal): Promise<DryRun> {
    signal?.throwIfAborted()
    const job = (await this.#retried('read', {
      method: 'POST',
      uri: '/jobs',
      json: {
        jobReference: { projectId: this.project, ...(this.#location && { location: this.#location }) },
        configuration: {
          dryRun: true,
          query: { query: sql, useLegacySql: false, defaultDataset: this.#datasetReference() },
        },
      },
    })) as RestJob
    if (job.status?.errorResult) throw new BigqueryFailure(job.status.errorResult)
    const { query, totalBytesProcessed } = job.statistics ?? {}
    return {
      statementType: query?.statementType ?? '',
      referencedTables: query?.referencedTables ?? [],
      totalBytesProcessed: Number(query?.totalBytesProcessed ?? totalBytesProcessed ?? 0),
      fields: query?.schema?.fields ?? [],
    }
  }

  /** The description of a table of the dataset; undefined when there is none. */
  async tableInfo(table: string, { role = 'read', signal }: QueryOptions = {}): Promise<TableInfo | undefined> {
    signal?.throwIfAborted()
    try {
      const info = (await this.#retried(role, { method: 'GET', uri: this.#tableUri(table) })) as {
        schema?: { fields?: RestField[] }
        lastModifiedTime?: string
        creationTime?: string
        numBytes?: string
        numRows?: string
        description?: string
        labels?: Record<string, string>
        type?: string
      }
      return {
        fields: info.schema?.fields ?? [],
        lastModifiedTime: Number(info.lastModifiedTime ?? 0),
        creationTime: Number(info.creationTime ?? 0),
        bytes: Number(info.numBytes ?? 0),
        rows: Number(info.numRows ?? 0),
        description: info.description ?? '',
        labels: info.labels ?? {},
        type: info.type ?? 'TABLE',
      }
    } catch (error) {
      if (error instanceof BigqueryFailure && error.reason === 'notFound') return undefined
      throw error
    }
  }

  /** Every table of the dataset with its labels, which costs nothing. */
  async listTables(signal?: AbortSignal): Promise<ListedTable[]> {
    const found: ListedTable[] = []
    for (let pageToken: string | undefined; ; ) {
      signal?.throwIfAborted()
      const page = (await this.#retried('read', {
        method: 'GET',
        uri: `/datasets/${this.dataset}/tables`,
        qs: { maxResults: LISTED, ...(pageToken && { pageToken }) },
      })) as { tables?: RestListedTable[]; nextPageToken?: string }
      for (const { tableReference, labels = {}, type = 'TABLE' } of page.tables ?? [])
        found.push({ name: tableReference.tableId, labels, type })
      pageToken = page.nextPageToken
      if (!pageToken) return found
    }
  }

  /** Whether the dataset can be reached by a credential. */
  async checkDataset(role: Role, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const dataset = (await this.#retried(role, { method: 'GET', uri: `/datasets/${this.dataset}` })) as {
      location?: string
    }
    this.#location ??= dataset.location
  }

  /** Google's upload and export calls need it. */
  get location(): string | undefined {
    return this.#location
  }

  #tableUri(table: string): string {
    return `/datasets/${this.dataset}/tables/${encodeURIComponent(table)}`
  }

  #datasetReference() {
    return { projectId: this.project, datasetId: this.dataset }
  }

  #place() {
    return { defaultDataset: this.#datasetReference(), ...(this.#location && { location: this.#location }) }
  }

  #locationQuery(): Record<string, string> {
    return this.#location === undefined ? {} : { location: this.#location }
  }

  /** Waits until a statement has its first page. */
  async #complete(role: Role, first: RestResult, pageRows: number, signal?: AbortSignal): Promise<ResultPage> {
    let result = first
    const jobId = first.jobReference?.jobId ?? ''
    this.#location ??= first.jobReference?.location
    while (result.jobComplete === false)
      result = await this.#results(role, jobId, { maxResults: pageRows, timeoutMs: WAIT_MS }, signal)
    return { ...pageOf(result), jobId }
  }

  async #results(
    role: Role,
    jobId: string,
    qs: Record<string, string | number>,
    signal?: AbortSignal,
  ): Promise<RestResult> {
    const request = this.#retried(role, {
      method: 'GET',
      uri: `/queries/${jobId}`,
      qs: { ...this.#locationQuery(), ...qs, 'formatOptions.useInt64Timestamp': true },
    })
    return (await this.#cancelling(role, request, signal, jobId)) as RestResult
  }

  async #outcome(jobId: string, signal?: AbortSignal): Promise<ResultPage> {
    const cancel = () => void this.#cancel('write', jobId)
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await this.#complete('write', { jobReference: { jobId }, jobComplete: false }, PAGE_ROWS)
    } catch (error) {
      if (error instanceof BigqueryFailure && error.reason === 'stopped') signal?.throwIfAborted()
      throw isDecided(error) ? error : new UnknownOutcome(error)
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** Waits no longer than somebody wants the answer; then the statement is stopped, once its name is known. */
  async #cancelling(
    role: Role,
    request: Promise<unknown>,
    signal: AbortSignal | undefined,
    jobId?: string,
  ): Promise<unknown> {
    if (!signal) return request
    const stop = async () => {
      const id = jobId ?? ((await request.catch(() => undefined)) as RestResult | undefined)?.jobReference?.jobId
      if (id) await this.#cancel(role, id)
    }
    if (signal.aborted) {
      void stop()
      request.catch(() => {})
      throw signal.reason
    }
    let abort = () => {}
    const aborted = new Promise<never>((_, reject) => {
      abort = () => {
        void stop()
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
    })
    try {
      return await Promise.race([request, aborted])
    } finally {
      signal.removeEventListener('abort', abort)
      request.catch(() => {})
    }
  }

  async #cancel(role: Role, jobId: string): Promise<void> {
    await this.#request(role, { method: 'POST', uri: `/jobs/${jobId}/cancel`, qs: this.#locationQuery() }).catch(
      () => undefined,
    )
  }

  /** Sends a request that may be sent twice. */
  async #retried(role: Role, request: RestRequest): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#request(role, request)
      } catch (error) {
        if (attempt === ATTEMPTS || !isTransient(error)) throw error
        await sleep(FIRST_PAUSE_MS * 2 ** attempt * (0.5 + Math.random() / 2))
      }
    }
  }

  /** An answer that does not come is given up: the request is then sent again, or failed. */
  #request(role: Role, request: RestRequest): Promise<unknown> {
    const patience = WAIT_MS + this.#config.httpTimeoutSeconds * 1000
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new NoAnswer()), patience)
      this.#apis[role].request(request, (error, body) => {
        clearTimeout(timer)
        if (error) reject(readFailure(error))
        else resolve(body)
      })
    })
  }
}

function namedParameters(params: Readonly<Record<string, string>>) {
  const entries = Object.entries(params)
  if (entries.length === 0) return {}
  return {
    parameterMode: 'NAMED',
    queryParameters: entries.map(([name, value]) => ({
      name,
      parameterType: { type: 'STRING' },
      parameterValue: { value },
    })),
  }
}

function pageOf({ schema, rows, totalRows, pageToken }: RestResult): Omit<ResultPage, 'jobId'> {
  return {
    fields: schema?.fields ?? [],
    rows: rows ?? [],
    totalRows: Number(totalRows ?? rows?.length ?? 0),
    ...(pageToken && { pageToken }),
  }
}
