import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../fixtures/free-port.ts'
import { services } from './install.ts'

/** A column as BigQuery's API describes it. */
export interface ApiColumn {
  name: string
  type: string
  mode?: string
  fields?: ApiColumn[]
}

export interface Analyzer {
  /**
   * What Google's own analyzer says is wrong with a statement; undefined when nothing is. It can't judge whole scripts,
   * INFORMATION_SCHEMA, EXPORT DATA and functions of BigQuery alone: these are let through.
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

  return {
    async analyze(sql, parameters, columnsOf) {
      if (outOfReach.test(sql) || /;\s*\S/.test(sql.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`/g, '')))
        return undefined
      try {
        const names = await call('extractTableNamesFromStatement', { sqlStatement: sql, options: languageOptions })
        const paths = (names.tableName as unknown as { tableNameSegment: string[] }[]).map(
          (name) => name.tableNameSegment,
        )
        await call('analyze', {
          sqlStatement: sql,
          options: { languageOptions, queryParameters: parameters.map(parameterOf), defaultTimezone: 'UTC' },
          simpleCatalog: {
            name: 'catalog',
            ...(await catalogOf(paths, columnsOf)),
            builtinFunctionOptions: { languageOptions },
          },
        })
        return undefined
      } catch (error) {
        const { details = String(error) } = error as { details?: string }
        return /Table not found|not found: (SEARCH|CONTAINS_SUBSTR|LAX_|JSON_)/i.test(details) ? undefined : details
      }
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

const outOfReach = /INFORMATION_SCHEMA|__TABLES__|^\s*(?:DECLARE|BEGIN|IF|EXPORT|CALL|EXECUTE)\b/i

interface Catalog {
  table: unknown[]
  catalog: { name: string; table: unknown[]; catalog: Catalog['catalog'] }[]
}

/** `` `p`.`d`.`t` `` is a table in a catalog in a catalog, `` `p.d.t` `` one name. */
async function catalogOf(
  paths: readonly (readonly string[])[],
  columnsOf: (path: readonly string[]) => Promise<readonly ApiColumn[] | undefined>,
): Promise<Catalog> {
  const root: Catalog = { table: [], catalog: [] }
  for (const path of paths) {
    const columns = await columnsOf(path.flatMap((part) => part.split('.')))
    if (!columns) continue
    let place: Catalog = root
    for (const part of path.slice(0, -1)) {
      const known = place.catalog.find(({ name }) => name === part)
      const next = known ?? { name: part, table: [], catalog: [] }
      if (!known) place.catalog.push(next)
      place = next
    }
    place.table.push({
      name: path.at(-1),
      column: columns.map((column) => ({ name: column.name, type: columnType(column) })),
    })
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
