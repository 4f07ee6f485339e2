import { type Answer, errorAnswer, type Recorded, type RecordingProxy, startProxy } from './proxy.ts'

export interface BigqueryRules {
  /** `totalBytesProcessed` that dry runs answer, where emulators say 0. A statement that may bill less is refused. */
  bytes?: (sql: string) => number
  /** Writes move `lastModifiedTime` of the tables that they name, as Google does and emulators don't. True unless told. */
  movesModifiedTime?: boolean
  /** How many files an `EXPORT DATA` writes. */
  shards?: number
  /** Says what is wrong with a statement by Google's own grammar and types. */
  analyze?: (sql: string, parameters: readonly unknown[]) => Promise<string | undefined>
}

export interface BigqueryProxy extends RecordingProxy {
  /** What may be changed between two requests. */
  readonly rules: BigqueryRules
  /** The statements among the requests, in order. */
  statements(): Statement[]
  /** Somebody else has written to the table. */
  touch(table: string, at?: number): void
}

/** A request that runs a statement. */
export interface Statement extends Recorded {
  sql: string
  parameters: readonly unknown[]
  dryRun: boolean
  /** The body of `jobs.query`, or `configuration.query` of a job. */
  options: Record<string, unknown>
}

const reads = /^\s*(?:--[^\n]*\n\s*)*\(*\s*(?:SELECT|WITH)\b/i

/** A stand-in for what Google does and the emulator doesn't: two accounts, bytes, times of change, export shards. */
export async function startBigqueryProxy(target: () => string, rules: BigqueryRules = {}): Promise<BigqueryProxy> {
  const modified = new Map<string, number>()
  const touch = (table: string, at = Date.now()) => void modified.set(table.toLowerCase(), at)

  async function before(request: Recorded): Promise<Answer | undefined> {
    const statement = statementOf(request)
    if (request.account === 'ro' && !mayRead(request, statement)) {
      return errorAnswer({
        status: 403,
        reason: 'accessDenied',
        message: 'Access Denied: User does not have permission.',
      })
    }
    if (!statement) return undefined
    const billed = Number(statement.options.maximumBytesBilled)
    if (rules.bytes && billed > 0 && rules.bytes(statement.sql) > billed && !statement.dryRun) {
      const message = `Query exceeded limit for bytes billed: ${billed}.`
      return errorAnswer({ status: 400, reason: 'bytesBilledLimitExceeded', message })
    }
    const wrong = await rules.analyze?.(statement.sql, statement.parameters)
    if (wrong) return errorAnswer({ status: 400, reason: 'invalidQuery', message: wrong })
    const shards = rules.shards ?? 1
    if (shards > 1) statement.options.query = inShards(statement.sql, shards)
    return undefined
  }

  function after(request: Recorded, { status, body }: Answer): void {
    const table = /^\/bigquery\/v2\/projects\/[^/]+\/datasets\/[^/]+\/tables\/([^/?]+)/.exec(request.path)?.[1]
    const at = table && modified.get(decodeURIComponent(table).toLowerCase())
    if (at && 'lastModifiedTime' in body) Object.assign(body, { lastModifiedTime: String(at), etag: `"${at}"` })
    const statement = statementOf(request)
    if (statement?.dryRun && rules.bytes && status < 300) setBytes(body, String(rules.bytes(statement.sql)))
    if (status < 300 && rules.movesModifiedTime !== false)
      for (const written of writtenBy(request, statement)) touch(written)
  }

  const proxy = await startProxy({ target, streams: /^\/(?:resumable\/)?upload\//, before, after })
  return {
    ...proxy,
    rules,
    touch,
    statements: () => proxy.requests.map(statementOf).filter((found) => found !== undefined),
  }
}

const known = new WeakMap<Recorded, Statement>()

function statementOf(request: Recorded): Statement | undefined {
  const found = known.get(request) ?? readStatement(request)
  if (found) known.set(request, found)
  return found
}

function readStatement(request: Recorded): Statement | undefined {
  if (request.method !== 'POST' || !request.body) return undefined
  const configuration = request.body.configuration as { query?: Record<string, unknown>; dryRun?: boolean } | undefined
  const options = /\/queries(?:\?|$)/.test(request.path) ? request.body : configuration?.query
  if (typeof options?.query !== 'string') return undefined
  return Object.assign(request, {
    sql: options.query,
    parameters: (options.queryParameters as readonly unknown[] | undefined) ?? [],
    dryRun: (configuration ?? options).dryRun === true,
    options,
  })
}

function mayRead({ method, path }: Recorded, statement: Statement | undefined): boolean {
  if (method === 'GET' || /\/cancel(?:\?|$)/.test(path)) return true
  return statement !== undefined && onlyReads(statement)
}

/** An export writes into a bucket, and no table. */
function onlyReads({ sql }: Statement): boolean {
  return reads.test(sql) || /^\s*EXPORT\s+DATA\b/i.test(sql)
}

function setBytes(body: Record<string, unknown>, bytes: string): void {
  const statistics = body.statistics as { query?: Record<string, unknown> } | undefined
  if (statistics) Object.assign(statistics, { totalBytesProcessed: bytes })
  if (statistics?.query) Object.assign(statistics.query, { totalBytesProcessed: bytes })
  else body.totalBytesProcessed = bytes
}

/** Tables that a statement which is no query names, or that a job fills. */
function writtenBy({ method, path, body }: Recorded, statement: Statement | undefined): string[] {
  if (statement && !statement.dryRun && !onlyReads(statement)) {
    const named = /`(?:[^`]*\.)?([^`.]+)`|\b(?:INTO|UPDATE|FROM|TABLE)\s+(?:\w+\.)*(\w+)/gi
    return [...statement.sql.matchAll(named)].map(([, quoted, plain]) => quoted ?? plain ?? '')
  }
  const table = /\/tables\/([^/?]+)/.exec(path)?.[1]
  if (method !== 'GET' && table) return [decodeURIComponent(table)]
  const jobs = body?.configuration as Record<string, { destinationTable?: { tableId: string } }> | undefined
  return [jobs?.load, jobs?.copy].flatMap((job) => job?.destinationTable?.tableId ?? [])
}

/** `EXPORT DATA` as many of them, each of a part of the rows. */
function inShards(sql: string, shards: number): string {
  const found = /^(\s*EXPORT\s+DATA\s+OPTIONS\s*\()([\s\S]*?)(\)\s*AS\b)([\s\S]*)$/i.exec(sql)
  if (!found) return sql
  const [, start, options = '', as, query] = found
  const rows = `DECLARE rows_ INT64 DEFAULT (SELECT CAST(CEIL(COUNT(*) / ${shards}) AS INT64) FROM (${query}));`
  const parts = Array.from({ length: shards }, (_, index) => {
    const uri = options.replace('*', `${String(index).padStart(12, '0')}*`)
    const page = `SELECT * EXCEPT (n_) FROM (SELECT *, ROW_NUMBER() OVER () AS n_ FROM (${query}))`
    return `${start}${uri}${as} ${page} WHERE n_ > ${index} * rows_ AND n_ <= ${index + 1} * rows_ ORDER BY n_;`
  })
  return [rows, ...parts].join('\n')
}
