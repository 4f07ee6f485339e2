import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../fixtures/free-port.ts'
import { services } from './install.ts'
import { statementsOf } from './script.ts'

/** A column as BigQuery's API describes it. */
export interface ApiColumn {
  name: string
  type: string
  mode?: string
  fields?: ApiColumn[]
}

export interface Analyzer {
  /**
   * What Google's own analyzer says is wrong with a statement, or with one of a script; undefined when nothing is. It
   * knows no INFORMATION_SCHEMA, no variables of scripts and no dynamic SQL: these are let through.
   *
   * @param columnsOf the columns of the table with this path, or undefined where there is none
   */
  analyze(
    sql: string,
    parameters: readonly unknown[],
    columnsOf: (path: readonly string[]) => Promise<readonly ApiColumn[] | undefined>,
  ): Promise<string | undefined>
  /** The paths of the tables that a statement reads, without its common table expressions. */
  tables(sql: string): Promise<string[]>
  close(): void
}

/** What BigQuery's reference documents, and the analyzer keeps behind switches. */
const documented = [
  ...['FEATURE_ALTER_COLUMN_SET_DATA_TYPE', 'FEATURE_INTERVAL_TYPE', 'FEATURE_PARAMETERIZED_TYPES'],
  ...['FEATURE_V_1_3_DATE_ARITHMETICS', 'FEATURE_V_1_4_GROUPING_SETS', 'FEATURE_V_1_4_GROUPING_BUILTIN'],
]

type Call = (name: string, request: Record<string, unknown>) => Promise<Record<string, never>>

/** Starts the analyzer (ZetaSQL, the library that BigQuery is built on) as a process of its own. */
export async function startAnalyzer(): Promise<Analyzer> {
  const require = createRequire(join(services.analyzer, 'package.json'))
  const arm = process.arch.startsWith('arm') ? '_arm' : ''
  const binary = join(
    services.analyzer,
    'lib/zetasql',
    `remote_server${arm}${process.platform === 'darwin' ? '' : '.so'}`,
  )
  const port = await freePort()
  const child: ChildProcess = spawn(binary, ['localhost', String(port)], { stdio: 'ignore' })
  process.once('exit', () => child.kill('SIGKILL'))
  const { ZetaSQLClient, LanguageOptions } = require(join(services.analyzer, 'lib/index.js'))
  ZetaSQLClient.init(port)
  const client = ZetaSQLClient.getInstance()
  const call: Call = (name, request) => client[name](request)
  for (let tries = 0; !(await client.testConnection()); tries++) {
    if (tries > 20) throw new Error('the SQL analyzer does not answer')
    await sleep(200)
  }
  const { enabledLanguageFeatures } = (await LanguageOptions.getMaxFeatures()) as { enabledLanguageFeatures: string[] }
  const languageOptions = {
    ...{ nameResolutionMode: 'NAME_RESOLUTION_DEFAULT', productMode: 'PRODUCT_EXTERNAL', supportedStatementKinds: [] },
    enabledLanguageFeatures: [...enabledLanguageFeatures, ...documented],
  }

  /** One statement; tables that it makes or changes are as the rest of its script finds them. */
  async function judge(
    sqlStatement: string,
    parameters: readonly unknown[],
    columnsOf: ColumnsOf,
    made: MadeTables,
  ): Promise<string | undefined> {
    try {
      const names = await call('extractTableNamesFromStatement', { sqlStatement, options: languageOptions })
      const read = (names.tableName as unknown as { tableNameSegment: string[] }[]).map((name) => name.tableNameSegment)
      const altered = ALTERED.exec(sqlStatement)?.slice(1).find(Boolean)
      const paths = [...read, ...(altered ? [altered.split('.')] : [])]
      const { resolvedStatement } = await call('analyze', {
        sqlStatement,
        options: {
          languageOptions,
          queryParameters: parameters.map(parameterOf),
          systemVariables: SYSTEM_VARIABLES,
          defaultTimezone: 'UTC',
        },
        simpleCatalog: {
          name: 'catalog',
          ...(await catalogOf(paths, columnsOf, made)),
          customFunction: FUNCTIONS,
          builtinFunctionOptions: { languageOptions },
        },
      })
      note(resolvedStatement as unknown as Resolved, made)
      return undefined
    } catch (error) {
      const { details = String(error) } = error as { details?: string }
      return /Table not found/i.test(details) ? undefined : details
    }
  }

  return {
    async analyze(sql, parameters, columnsOf) {
      if (OUT_OF_REACH.test(sql)) return undefined
      const made: MadeTables = new Map()
      for (const statement of statementsOf(sql)) {
        const wrong = await judge(statement, parameters, columnsOf, made)
        if (wrong) return `${wrong} [in: ${statement.slice(0, 500)}]`
      }
      return undefined
    },
    async tables(sql) {
      const names = await call('extractTableNamesFromStatement', { sqlStatement: sql, options: languageOptions })
      return (names.tableName as unknown as { tableNameSegment: string[] }[]).map((name) =>
        name.tableNameSegment.join('.'),
      )
    },
    close: () => void child.kill('SIGKILL'),
  }
}

const OUT_OF_REACH = /INFORMATION_SCHEMA|__TABLES__|^\s*(?:DECLARE|CALL|EXECUTE)\b/i

const ALTERED = /^\s*ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:`([^`]+)`|([\w.-]+))/i

const SYSTEM_VARIABLES = [
  { namePath: ['row_count'], type: { typeKind: 'TYPE_INT64' } },
  { namePath: ['error', 'message'], type: { typeKind: 'TYPE_STRING' } },
]

const fixed = (typeKind: string) => ({ kind: 'ARG_TYPE_FIXED', type: { typeKind }, numOccurrences: 1 })
const any = { kind: 'ARG_TYPE_ARBITRARY', numOccurrences: 1 }
const custom = (name: string, argument: unknown[], returnType: unknown) => ({
  namePath: [name],
  group: 'BigQuery',
  mode: 'SCALAR',
  signature: [{ argument, returnType, contextId: 0 }],
})

/** Functions of BigQuery that the published analyzer lacks. */
const FUNCTIONS = [
  custom('SEARCH', [any, fixed('TYPE_STRING')], fixed('TYPE_BOOL')),
  custom('CONTAINS_SUBSTR', [any, fixed('TYPE_STRING')], fixed('TYPE_BOOL')),
  custom('JSON_KEYS', [fixed('TYPE_JSON'), fixed('TYPE_INT64')], {
    ...fixed('TYPE_ARRAY'),
    type: { typeKind: 'TYPE_ARRAY', arrayType: { elementType: { typeKind: 'TYPE_STRING' } } },
  }),
]

type ColumnsOf = Parameters<Analyzer['analyze']>[2]

interface CatalogColumn {
  name: string
  type: unknown
}

/** Tables that the statements before have made or changed, by their names. */
type MadeTables = Map<string, CatalogColumn[]>

interface Action {
  resolvedAddColumnActionNode?: { isIfNotExists: boolean; columnDefinition: CatalogColumn }
  resolvedDropColumnActionNode?: { name: string }
}

/** The parts of an analyzed statement that say what becomes of a table. */
interface Resolved {
  resolvedCreateStatementNode?: { resolvedCreateTableStmtBaseNode?: Record<string, CreateTable> }
  resolvedAlterObjectStmtNode?: {
    resolvedAlterTableStmtNode?: { parent: { namePath: string[]; alterActionList: Action[] } }
  }
}

interface CreateTable {
  parent?: { columnDefinitionList: CatalogColumn[]; parent: { namePath: string[] } }
}

const nameOf = (path: readonly string[]) => path.join('.').split('.').at(-1) ?? ''

/** Remembers what a statement has made of a table. */
function note({ resolvedCreateStatementNode, resolvedAlterObjectStmtNode }: Resolved, made: MadeTables): void {
  for (const created of Object.values(resolvedCreateStatementNode?.resolvedCreateTableStmtBaseNode ?? {})) {
    const { columnDefinitionList, parent } = created?.parent ?? {}
    if (columnDefinitionList && parent)
      made.set(
        nameOf(parent.namePath),
        columnDefinitionList.map(({ name, type }) => ({ name, type })),
      )
  }
  const { namePath, alterActionList } = resolvedAlterObjectStmtNode?.resolvedAlterTableStmtNode?.parent ?? {}
  for (const { resolvedAddColumnActionNode: add, resolvedDropColumnActionNode: drop } of alterActionList ?? []) {
    const columns = made.get(nameOf(namePath ?? [])) ?? []
    const gone = (drop?.name ?? add?.columnDefinition.name)?.toLowerCase()
    const left = columns.filter(({ name }) => name.toLowerCase() !== gone)
    const { name, type } = add?.columnDefinition ?? {}
    made.set(nameOf(namePath ?? []), name === undefined ? left : [...left, { name, type }])
  }
}

interface Catalog {
  table: unknown[]
  catalog: { name: string; table: unknown[]; catalog: Catalog['catalog'] }[]
}

/** `` `p`.`d`.`t` `` is a table in a catalog in a catalog, `` `p.d.t` `` one name. */
async function catalogOf(
  paths: readonly (readonly string[])[],
  columnsOf: ColumnsOf,
  made: MadeTables,
): Promise<Catalog> {
  const root: Catalog = { table: [], catalog: [] }
  for (const path of paths) {
    const given = made.has(nameOf(path)) ? undefined : await columnsOf(path.flatMap((part) => part.split('.')))
    const column = made.get(nameOf(path)) ?? given?.map((column) => ({ name: column.name, type: columnType(column) }))
    if (!column) continue
    made.set(nameOf(path), column)
    let place: Catalog = root
    for (const part of path.slice(0, -1)) {
      const known = place.catalog.find(({ name }) => name === part)
      const next = known ?? { name: part, table: [], catalog: [] }
      if (!known) place.catalog.push(next)
      place = next
    }
    place.table.push({ name: path.at(-1), column })
  }
  return root
}

const kinds: Readonly<Record<string, string>> = {
  ...{ INTEGER: 'INT64', FLOAT: 'DOUBLE', FLOAT64: 'DOUBLE', BOOLEAN: 'BOOL', RECORD: 'STRUCT' },
}

function columnType({ type, mode, fields = [] }: ApiColumn): unknown {
  const kind = `TYPE_${kinds[type] ?? type}`
  const field = fields.map((inner) => ({ fieldName: inner.name, fieldType: columnType(inner) }))
  const plain = kind === 'TYPE_STRUCT' ? { typeKind: kind, structType: { field } } : { typeKind: kind }
  return mode === 'REPEATED' ? { typeKind: 'TYPE_ARRAY', arrayType: { elementType: plain } } : plain
}

interface ApiType {
  type: string
  arrayType?: ApiType
}

function parameterOf(parameter: unknown): unknown {
  const { name, parameterType } = parameter as { name: string; parameterType: ApiType }
  const { type, arrayType } = parameterType
  return { name, type: columnType(arrayType ? { name, type: arrayType.type, mode: 'REPEATED' } : { name, type }) }
}
