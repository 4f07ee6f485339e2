import { readConfig } from '../../../src/core/config.ts'
import { parseColumnType } from '../../../src/core/field-types.ts'
import type { Column } from '../../../src/core/table-schema.ts'
import { columnFromDeclaration, idColumn } from '../../../src/core/table-schema.ts'
import type {
  Bytes,
  CallOptions,
  DumpFormat,
  Engine,
  Filter,
  RecordsFormat,
  Table,
  TablePlan,
  UpsertMethod,
  Written,
} from '../../../src/infrastructure/engines/engine.ts'
import { parseFilters } from '../../../src/services/filters.ts'
import { encodeRecords } from '../../../src/services/records/index.ts'
import type { SelectionParams } from '../../../src/services/selection.ts'
import { columnsByName, selectRows } from '../../../src/services/selection.ts'

/** An engine on an empty place of its own; `close` also removes that. */
export interface Opened {
  engine: Engine
  close(): Promise<void>
  /** Called after each test with the ids of the tables that it made, where live tables slow the place down. */
  discard?(ids: readonly string[]): Promise<void>
}

export type Open = () => Promise<Opened>

export type Row = Record<string, unknown>

/** Records as values, or as JSON text where digits matter. */
export type Given = readonly Row[] | string

/** Column names and the types they are declared with: `{ k: 'int', 'n[]': 'numeric[]' }`. */
export type Columns = Record<string, string>

export interface TableOptions extends Partial<Omit<TablePlan, 'columns' | 'records'>> {
  key?: string[]
  records?: Given
}

export interface Page extends SelectionParams {
  limit?: number
  offset?: number
}

const { config } = readConfig({})

let last = 0

/** A name that no other table has. */
export function freshId(): string {
  last += 1
  return `table-${last}`
}

export function columnsOf(columns: Columns): Column[] {
  return Object.entries(columns).map(([name, declared]) => {
    const type = parseColumnType(declared)
    if (!type) throw new TypeError(`no type is called ${declared}`)
    return columnFromDeclaration(name, type, declared)
  })
}

export function encode(given: Given, columns: readonly Column[], idKey = false) {
  const text = typeof given === 'string' ? given : JSON.stringify(given)
  return encodeRecords(new TextEncoder().encode(text), columns, { unknownKey: 'row', idKey })
}

export async function bytesOf(bytes: Bytes): Promise<Uint8Array> {
  return new Uint8Array(await new Response(bytes as BodyInit).arrayBuffer())
}

export async function textOf(bytes: Bytes): Promise<string> {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(await bytesOf(bytes))
}

/** Plans of the engine contract, made from little: what the tests say, not how it is put together. */
export class Kit {
  readonly #engine: () => Engine
  #made = new Set<string>()

  constructor(engine: () => Engine) {
    this.#engine = engine
  }

  get engine(): Engine {
    return this.#engine()
  }

  /** The ids of the tables that were made since this was last asked. */
  takeMade(): string[] {
    const made = [...this.#made]
    this.#made = new Set()
    return made
  }

  async table(id: string): Promise<Table> {
    const table = await this.engine.describe(id)
    if (!table) throw new Error(`there is no table ${id}`)
    return table
  }

  /** The plan of a create: of a new table, or of the stored one as it is to be. */
  async plan(id: string, columns: Columns | readonly Column[], options: TableOptions = {}): Promise<TablePlan> {
    const { key, records, ...rest } = options
    const stored = await this.engine.describe(id, { toWrite: true })
    const list = Array.isArray(columns) ? (columns as readonly Column[]) : columnsOf(columns as Columns)
    return {
      id,
      basedOn: stored?.schemaRevision,
      columns: list,
      primaryKey: key ?? stored?.primaryKey ?? [],
      indexes: [],
      schemaProperties: {},
      hasUpdatedAt: false,
      ...rest,
      ...(records !== undefined && { records: encode(records, list) }),
    }
  }

  async create(id: string, columns: Columns | readonly Column[], options: TableOptions = {}, call?: CallOptions) {
    this.#made.add(id)
    return this.engine.create(await this.plan(id, columns, options), call)
  }

  /** A new table with these records; answers its id. */
  async make(columns: Columns, records?: Given, options: TableOptions = {}): Promise<string> {
    const id = freshId()
    await this.create(id, columns, { ...options, ...(records !== undefined && { records }) })
    return id
  }

  async upsert(
    id: string,
    given: Given,
    options: { method?: UpsertMethod; dryRun?: boolean; includeRecords?: boolean } = {},
    call?: CallOptions,
  ): Promise<Written> {
    const table = await this.table(id)
    const { method = 'upsert', includeRecords, ...rest } = options
    const records = encode(given, table.columns, method !== 'insert')
    const shown = includeRecords ? { includeRecords: [idColumn, ...table.columns] } : {}
    return this.engine.upsert({ id, basedOn: table.schemaRevision, records, ...rest, ...shown, method }, call)
  }

  /** Filters as the API writes them: `{ n: { gt: 5 } }`. */
  async filter(id: string, filters: unknown): Promise<Filter | undefined> {
    return parseFilters(filters, columnsByName(await this.table(id)), (sentence) => {
      throw new Error(sentence)
    })
  }

  async deleteRows(id: string, filters: unknown, includeDeleted?: number): Promise<Written> {
    const { schemaRevision } = await this.table(id)
    const filter = await this.filter(id, filters)
    const columns = [idColumn, ...(await this.table(id)).columns]
    const limit = includeDeleted === undefined ? {} : { includeDeleted: { columns, limit: includeDeleted } }
    return this.engine.delete({ id, what: 'rows', basedOn: schemaRevision, filter, ...limit })
  }

  async search(
    id: string,
    { limit = 32_000, offset = 0, ...params }: Page = {},
    call?: CallOptions & { format?: RecordsFormat },
  ) {
    const selected = selectRows(await this.table(id), params, config)
    const { format = 'objects', ...options } = call ?? {}
    const includeLastId = !params.distinct && (params.sort === undefined || params.sort.length === 0)
    const plan = { ...selected, limit, offset, format, includeTotal: true, includeLastId }
    const found = await this.engine.search(plan, options)
    return { ...found, text: await textOf(found.records) }
  }

  /** The rows of a page as JavaScript values. */
  async rows(id: string, page?: Page): Promise<Row[]> {
    return JSON.parse(`[${(await this.search(id, page)).text}]`) as Row[]
  }

  /** One column of a page. */
  async values(id: string, name: string, page?: Page): Promise<unknown[]> {
    return (await this.rows(id, page)).map((row) => row[name])
  }

  async openDump(id: string, format: DumpFormat, { limit, offset = 0, ...params }: Page = {}, call?: CallOptions) {
    const table = await this.table(id)
    const selected = selectRows(table, { sort: params.distinct ? undefined : ['_id'], ...params }, config)
    const dumped = await this.engine.dump({ ...selected, format, offset, ...(limit !== undefined && { limit }) }, call)
    if (dumped.kind !== 'stream') throw new Error(`the dump came as a ${dumped.kind}`)
    return dumped.stream
  }

  async dump(id: string, format: DumpFormat, page?: Page): Promise<string> {
    return textOf(await this.openDump(id, format, page))
  }

  /** `count(*)`, asked of the data themselves. */
  async counted(id: string): Promise<number> {
    const table = await this.table(id)
    const sql = `SELECT count(*) AS n FROM "${id}"`
    const inspected = await this.engine.inspectSql(sql)
    const plan = { ...inspected, resolved: new Map([[id, table]]), rowsMax: 10, format: 'lists' as const }
    return Number((JSON.parse(await textOf((await this.engine.runSql(plan)).records)) as unknown[])[0])
  }
}

/** What a promise was refused with. */
export async function refusal(
  promise: Promise<unknown>,
): Promise<Error & { detail?: Record<string, unknown>; code?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was refused')
}
