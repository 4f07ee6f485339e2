import { ValidationError } from '../../../../core/errors.ts'
import { columnType } from '../../../../core/field-types.ts'
import type { Column } from '../../../../core/table-schema.ts'
import { columnFromDeclaration } from '../../../../core/table-schema.ts'
import type { LoadFile, LoadSource } from '../../engine.ts'
import type { StoredFile } from '../../files/received-file.ts'
import { quoteIdentifier, quoteLiteral } from '../../sql/quote.ts'
import type { Client, Session } from '../client.ts'

/** A source, and what DuckDB calls the types of a Parquet file's columns. */
export type TypedSource =
  | Exclude<LoadSource, { format: 'parquet' }>
  | (Extract<LoadSource, { format: 'parquet' }> & { types: ReadonlyMap<string, string> })

export async function withTypes(session: Session, source: LoadSource): Promise<TypedSource> {
  return source.format === 'parquet' ? { ...source, types: await parquetTypesOf(session, source.file) } : source
}

/** A longer record is refused: DuckDB holds several of them at once. */
const MAX_OBJECT_BYTES = 64 * 1024 * 1024

export function pathOf(file: LoadFile): string {
  return (file as StoredFile).path
}

const DELIMITED =
  "auto_detect = false, header = false, strict_mode = true, new_line = '\\n', nullstr = '', allow_quoted_nulls = false"

/** SQL that reads a source as texts, one column for each of the file's, in the file's order of rows. */
export function readTexts(source: TypedSource, more = ''): string {
  const file = quoteLiteral(pathOf(source.file))
  // Records without a single value are rows all the same.
  const names = source.columns.length > 0 ? source.columns : ['_nothing']
  const types = names.map((name) => [name, 'VARCHAR'] as const)
  switch (source.format) {
    case 'delimited': {
      const quote = quoteLiteral(source.quote)
      return (
        `read_csv(${file}, ${DELIMITED}, delim = ${quoteLiteral(source.delimiter)}, quote = ${quote}, escape = ${quote}, ` +
        `columns = ${columnTypes(types)}${more})`
      )
    }
    case 'ndjson':
      return readJson(source.file, types)
    case 'parquet':
      return readParquetTexts(source, source.types)
  }
}

/** SQL that reads lines of JSON objects, with these columns by their types. */
export function readJson(file: LoadFile, types: ColumnTypes): string {
  return `read_json(${quoteLiteral(pathOf(file))}, format = 'newline_delimited', columns = ${columnTypes(types)}, maximum_object_size = ${MAX_OBJECT_BYTES})`
}

type ColumnTypes = readonly (readonly [name: string, type: string])[]

function columnTypes(types: ColumnTypes): string {
  return `{${types.map(([name, type]) => `${quoteLiteral(name)}: '${type}'`).join(', ')}}`
}

/** A Parquet file's columns as texts, but for those that are wanted as they are. */
export function readParquetTexts(
  { columns, file }: LoadSource,
  types: ReadonlyMap<string, string>,
  asStored: ReadonlySet<string> = new Set(),
): string {
  const cells = columns.map((name) => {
    const raw = quoteIdentifier(name)
    return `${asStored.has(name) ? raw : parquetText(raw, types.get(name) ?? '')} AS ${raw}`
  })
  return `(SELECT ${cells.join(', ')} FROM ${readParquet(file)})`
}

function parquetText(raw: string, type: string): string {
  if (NESTED.test(type)) return `CAST(to_json(${raw}) AS VARCHAR)`
  return type === 'BLOB' ? `'\\x' || lower(hex(${raw}))` : `CAST(${raw} AS VARCHAR)`
}

function readParquet(file: LoadFile): string {
  return `read_parquet(${quoteLiteral(pathOf(file))})`
}

const NESTED = /^(STRUCT|MAP|UNION)\(|\[\d*\]$/

/** The columns of ours that hold a Parquet file's without loss, by DuckDB's name for the file's types. */
const parquetTypes: readonly [RegExp, string][] = [
  [/^BOOLEAN$/, 'bool'],
  [/^(TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER)$/, 'int8'],
  [/^(UBIGINT|HUGEINT|UHUGEINT|DECIMAL\(.*\))$/, 'numeric'],
  [/^FLOAT$/, 'float4'],
  [/^DOUBLE$/, 'float8'],
  [/^DATE$/, 'date'],
  [/^TIME$/, 'time'],
  [/^TIMESTAMP(_S|_MS)?$/, 'timestamp'],
  [/^TIMESTAMP WITH TIME ZONE$/, 'timestamptz'],
  [/^UUID$/, 'uuid'],
  [/^JSON$/, 'jsonb'],
  [NESTED, 'jsonb'],
]

/** The columns of a Parquet file, as columns of a table. */
export async function parquetColumns(client: Client, file: LoadFile, signal?: AbortSignal): Promise<Column[]> {
  const types = await client.session((session) => parquetTypesOf(session, file), signal)
  return [...types].map(([name, stored]) => {
    const type = parquetTypes.find(([pattern]) => pattern.test(stored))?.[1] ?? 'text'
    return columnFromDeclaration(name, columnType(type), type)
  })
}

/** DuckDB's types of a Parquet file's columns. */
async function parquetTypesOf(session: Session, file: LoadFile): Promise<Map<string, string>> {
  try {
    const rows = await session.rows(`DESCRIBE SELECT * FROM ${readParquet(file)}`)
    return new Map(rows.map(([name, type]) => [String(name), String(type)]))
  } catch (error) {
    throw new ValidationError({ format: ['The file is not Parquet, or not whole.'] }, { cause: error })
  }
}
