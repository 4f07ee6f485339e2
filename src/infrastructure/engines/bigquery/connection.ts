import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BigQueryOptions } from '@google-cloud/bigquery'
import type { Config } from '../../../core/config.ts'
import { googleOptions } from './credentials.ts'
import { isTransient, NoAnswer, readFailure } from './failures.ts'
import type { RestJobReference, RestRequest, RestResult } from './rest.ts'

/** Reads and user SQL run under the one credential, writes under the other. */
export type Role = 'read' | 'write'

/** The slice of `@google-cloud/bigquery` that is called. */
interface Api {
  request(options: RestRequest, callback: (error: unknown, body?: unknown) => void): void
  dataset(id: string): { table(id: string): { createWriteStream(metadata: Record<string, unknown>): Writable } }
}

/** How long Google may wait with the answer of one request until it says that there is none yet. */
export const WAIT_MS = 10_000
const ATTEMPTS = 5
const FIRST_PAUSE_MS = 200

/** Requests to the project by the two credentials of this service, in the place where the dataset is. */
export class Connection {
  readonly project: string
  readonly dataset: string
  /** How long an answer is waited for. */
  readonly patienceMs: number
  readonly #apis: Readonly<Record<Role, Api>>
  #location: string | undefined

  private constructor(config: Config, apis: Readonly<Record<Role, Api>>) {
    this.#apis = apis
    this.patienceMs = WAIT_MS + config.httpTimeoutSeconds * 1000
    this.project = config.bigqueryProject as string
    this.dataset = config.bigqueryDataset as string
    this.#location = config.bigqueryLocation
  }

  /** Loads Google's package on first use. Nothing is asked yet. */
  static async open(config: Config): Promise<Connection> {
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
    return new Connection(config, { read, write })
  }

  /** Where the dataset is; undefined until Google has said so, or the settings have. */
  get location(): string | undefined {
    return this.#location
  }

  /** Remembers what an answer says of the place. */
  noteLocation(reference: RestJobReference | undefined): void {
    this.#location ??= reference?.location
  }

  get datasetReference() {
    return { projectId: this.project, datasetId: this.dataset }
  }

  /** `{ location }` where it is known. */
  get place(): { location?: string } {
    return this.#location === undefined ? {} : { location: this.#location }
  }

  tableUri(table: string): string {
    return `/datasets/${this.dataset}/tables/${encodeURIComponent(table)}`
  }

  /** A writable that fills a table by a load job. */
  loadStream(table: string, metadata: Record<string, unknown>): Writable {
    return this.#apis.write.dataset(this.dataset).table(table).createWriteStream(metadata)
  }

  /** Sends a request that may be sent twice. */
  async send(role: Role, request: RestRequest): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#request(role, request)
      } catch (error) {
        if (attempt === ATTEMPTS || !isTransient(error)) throw error
        await sleep(FIRST_PAUSE_MS * 2 ** attempt * (0.5 + Math.random() / 2))
      }
    }
  }

  /** Waits no longer than somebody wants the answer; then the statement is stopped, once its name is known. */
  async cancelling(
    role: Role,
    request: Promise<unknown>,
    signal: AbortSignal | undefined,
    jobId?: string,
  ): Promise<unknown> {
    if (!signal) return request
    const stop = async () => {
      const id = jobId ?? ((await request.catch(() => undefined)) as RestResult | undefined)?.jobReference?.jobId
      if (id) await this.cancel(role, id)
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

  async cancel(role: Role, jobId: string): Promise<void> {
    await this.#request(role, { method: 'POST', uri: `/jobs/${jobId}/cancel`, qs: this.place }).catch(() => undefined)
  }

  /** An answer that does not come is given up: the request is then sent again, or failed. */
  #request(role: Role, request: RestRequest): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new NoAnswer()), this.patienceMs)
      this.#apis[role].request(request, (error, body) => {
        clearTimeout(timer)
        if (error) reject(readFailure(error))
        else resolve(body)
      })
    })
  }
}
