import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../../../core/config.ts'
import type { Role } from './connection.ts'
import { Connection, WAIT_MS } from './connection.ts'
import type { DryRun } from './dry-run.ts'
import { readDryRun } from './dry-run.ts'
import {
  BigqueryFailure,
  isDecided,
  isDuplicate,
  isTransient,
  NoAnswer,
  readFailure,
  UnknownOutcome,
} from './failures.ts'
import type { RestField, RestJob, RestResult, RestTable, RestTableList } from './rest.ts'
import type { ResultPage } from './result-page.ts'
import { pageOf } from './result-page.ts'
import type { ListedTable, TableInfo } from './table-info.ts'
import { readTableInfo, readTableList } from './table-info.ts'

export interface QueryOptions {
  /** Named parameters; each is sent as a STRING, so that no digit is lost on the way. */
  params?: Readonly<Record<string, string>>
  role?: Role
  signal?: AbortSignal | undefined
  /** Rows of a page. */
  pageRows?: number
}

export interface ScriptOptions extends Pick<QueryOptions, 'params' | 'role' | 'signal'> {
  /** Google ends the script after it. */
  timeoutMs?: number
  /** The script is held to BIGQUERY_MAX_BYTES_BILLED. */
  isBudgeted?: boolean
}

const FIRST_WAIT_MS = 2_000
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
  readonly #connection: Connection
  readonly #config: Config

  private constructor(config: Config, connection: Connection) {
    this.#config = config
    this.#connection = connection
    this.project = connection.project
    this.dataset = connection.dataset
  }

  /** Nothing is asked yet. */
  static async open(config: Config): Promise<Client> {
    return new Client(config, await Connection.open(config))
  }

  /** Runs a SELECT as one request; more pages are fetched by `nextPage`. */
  async query(
    sql: string,
    { params = {}, role = 'read', signal, pageRows = PAGE_ROWS }: QueryOptions = {},
  ): Promise<ResultPage> {
    const started = this.#connection.send(role, {
      method: 'POST',
      uri: '/queries',
      json: {
        query: sql,
        useLegacySql: false,
        useQueryCache: this.#config.bigqueryUseQueryCache,
        // Sent again after a lost answer, it is the same job.
        requestId: randomUUID(),
        defaultDataset: this.#connection.datasetReference,
        ...this.#connection.place,
        ...namedParameters(params),
        maxResults: pageRows,
        timeoutMs: FIRST_WAIT_MS,
        formatOptions: INT64_TIMESTAMPS,
        ...this.#budget,
      },
    })
    const result = (await this.#connection.cancelling(role, started, signal)) as RestResult
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
  async script(
    sql: string,
    { params = {}, role = 'write', signal, timeoutMs, isBudgeted = false }: ScriptOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted()
    const configuration = {
      ...(timeoutMs !== undefined && { jobTimeoutMs: String(timeoutMs) }),
      query: {
        query: sql,
        useLegacySql: false,
        defaultDataset: this.#connection.datasetReference,
        ...namedParameters(params),
        ...(isBudgeted && this.#budget),
      },
    }
    const jobId = await this.startJob(configuration, role)
    await this.#outcome(role, jobId, signal)
  }

  /**
   * Starts a job under a name of ours; answers that name. A job that is already known is the one meant.
   *
   * @throws UnknownOutcome when nobody could be asked whether it runs.
   */
  async startJob(configuration: Record<string, unknown>, role: Role): Promise<string> {
    const jobId = `ckan-datastore-${randomUUID()}`
    const jobReference = { projectId: this.project, jobId, ...this.#connection.place }
    try {
      const job = (await this.#connection.send(role, {
        method: 'POST',
        uri: '/jobs',
        json: { jobReference, configuration: { ...configuration, labels: { service: 'ckan-datastore' } } },
      })) as RestJob
      this.#connection.noteLocation(job.jobReference)
    } catch (error) {
      if (isDuplicate(error)) return jobId
      // Every answer may have been lost, and the job may run.
      if (isTransient(error) && (await this.#job(role, jobId, error)) !== undefined) return jobId
      throw error
    }
    return jobId
  }

  /**
   * A job as Google knows it; undefined when it knows none of that name.
   *
   * @param cause - Why it is asked for.
   * @throws UnknownOutcome when there is no answer.
   */
  async #job(role: Role, jobId: string, cause: unknown): Promise<RestJob | undefined> {
    try {
      return (await this.#connection.send(role, {
        method: 'GET',
        uri: `/jobs/${jobId}`,
        qs: this.#connection.place,
      })) as RestJob
    } catch (error) {
      if (error instanceof BigqueryFailure && error.reason === 'notFound') return undefined
      throw new UnknownOutcome(cause)
    }
  }

  /** Fills a table from a stream of newline-delimited JSON, by a load job. */
  async upload(table: string, fields: readonly RestField[], lines: Readable, signal?: AbortSignal): Promise<void> {
    const target = this.#connection.loadStream(table, {
      jobId: `ckan-datastore-${randomUUID()}`,
      ...this.#connection.place,
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
    // Google's package waits for ever: for room to send, and for the answer.
    const patience = setTimeout(() => target.destroy(new NoAnswer()), this.#connection.patienceMs)
    const sent = async function* (): AsyncGenerator<unknown> {
      for await (const part of lines) {
        patience.refresh()
        yield part
      }
      patience.refresh()
    }
    let jobId: string
    try {
      await pipeline(sent, target, { ...(signal && { signal }) })
      jobId = await started
    } catch (error) {
      signal?.throwIfAborted()
      throw readFailure(error)
    } finally {
      clearTimeout(patience)
    }
    await this.finishJob(jobId, 'write', signal)
  }

  /** Waits for a job of any kind. Throws what it failed with. */
  async finishJob(jobId: string, role: Role, signal?: AbortSignal): Promise<void> {
    for (let pause = 100; ; pause = Math.min(2_000, pause * 2)) {
      const job = (await this.#connection.cancelling(
        role,
        this.#connection.send(role, { method: 'GET', uri: `/jobs/${jobId}`, qs: this.#connection.place }),
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
    const job = (await this.#connection.send('read', {
      method: 'POST',
      uri: '/jobs',
      json: {
        jobReference: { projectId: this.project, ...this.#connection.place },
        configuration: {
          dryRun: true,
          query: { query: sql, useLegacySql: false, defaultDataset: this.#connection.datasetReference },
        },
      },
    })) as RestJob
    if (job.status?.errorResult) throw new BigqueryFailure(job.status.errorResult)
    return readDryRun(job)
  }

  /** The description of a table of the dataset; undefined when there is none. */
  async tableInfo(table: string, { role = 'read', signal }: QueryOptions = {}): Promise<TableInfo | undefined> {
    signal?.throwIfAborted()
    try {
      const uri = this.#connection.tableUri(table)
      return readTableInfo((await this.#connection.send(role, { method: 'GET', uri })) as RestTable)
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
      const page = (await this.#connection.send('read', {
        method: 'GET',
        uri: `/datasets/${this.dataset}/tables`,
        qs: { maxResults: LISTED, ...(pageToken && { pageToken }) },
      })) as RestTableList
      found.push(...readTableList(page))
      pageToken = page.nextPageToken
      if (!pageToken) return found
    }
  }

  /** Whether the dataset can be reached by a credential. */
  async checkDataset(role: Role, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const dataset = (await this.#connection.send(role, { method: 'GET', uri: `/datasets/${this.dataset}` })) as {
      location?: string
    }
    this.#connection.noteLocation(dataset)
  }

  get #budget(): { maximumBytesBilled?: string } {
    const { bigqueryMaxBytesBilled: budget } = this.#config
    return budget === undefined ? {} : { maximumBytesBilled: String(budget) }
  }

  /** Google's upload and export calls need it. */
  get location(): string | undefined {
    return this.#connection.location
  }

  /** Waits until a statement has its first page. */
  async #complete(role: Role, first: RestResult, pageRows: number, signal?: AbortSignal): Promise<ResultPage> {
    let result = first
    const jobId = first.jobReference?.jobId ?? ''
    this.#connection.noteLocation(first.jobReference)
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
    const request = this.#connection.send(role, {
      method: 'GET',
      uri: `/queries/${jobId}`,
      qs: { ...this.#connection.place, ...qs, 'formatOptions.useInt64Timestamp': true },
    })
    return (await this.#connection.cancelling(role, request, signal, jobId)) as RestResult
  }

  async #outcome(role: Role, jobId: string, signal?: AbortSignal): Promise<void> {
    const cancel = () => void this.#connection.cancel(role, jobId)
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      await this.#complete(role, { jobReference: { jobId }, jobComplete: false }, PAGE_ROWS)
    } catch (error) {
      if (error instanceof BigqueryFailure && error.reason === 'stopped') signal?.throwIfAborted()
      if (isDecided(error)) throw error
      // The job has failed, or the question how it ended.
      const { status } = (await this.#job(role, jobId, error)) ?? {}
      if (status?.errorResult) throw new BigqueryFailure(status.errorResult)
      if (status?.state !== 'DONE') throw new UnknownOutcome(error)
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
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
