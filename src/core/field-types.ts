/**
 * One row per column type: every name it goes by, and the family that says how its values are read and written.
 * Names follow PostgreSQL, because CKAN's clients read them (contract §4.3, §9.3).
 */

/** How values of a type behave. Engines keep one storage type and one rendering per family. */
export type Family =
  | 'integer'
  | 'numeric'
  | 'float'
  | 'boolean'
  | 'text'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'json'
  | 'uuid'
  | 'opaque'

export type FrictionlessType =
  | 'string'
  | 'number'
  | 'integer'
  | 'boolean'
  | 'date'
  | 'time'
  | 'datetime'
  | 'object'
  | 'array'
  | 'geojson'
  | 'geopoint'
  | 'any'

export interface FieldType {
  /** PostgreSQL's short name: what search and dump report. */
  readonly name: string
  /** Other names that a `fields` declaration may use. */
  readonly aliases: readonly string[]
  /** PostgreSQL's long name: `schema.native_type` of datastore_info, and error messages. */
  readonly nativeName: string
  readonly family: Family
  readonly frictionless: FrictionlessType
  /** What the parenthesised modifier means: `numeric(10,2)`, `varchar(20)`. */
  readonly modifier?: 'precision' | 'length'
  /** Smallest and largest value of an integer type. */
  readonly range?: readonly [bigint, bigint]
  /** What csv and tsv write for null where that is not an empty cell (contract §4.6). */
  readonly csvNull?: string
  /** For a type kept as text: what its text must match, whole and in any case; RE2 and JavaScript both read it. */
  readonly pattern?: string
}

const INTERVAL = '\\s*(P[0-9YMWDTHS.,+-]+|[@+-]?\\s*[0-9a-z .:,+-]*[0-9][0-9a-z .:,+-]*)\\s*'
const TIMETZ = '\\s*\\d{1,2}:\\d{2}(:\\d{2}(\\.\\d+)?)?\\s*(Z|[+-]\\d{1,2}(:?\\d{2})?)?\\s*'
const INET = '\\s*[0-9a-f:.]+(/\\d{1,3})?\\s*'

const rows: readonly FieldType[] = [
  { name: 'int2', aliases: ['smallint', 'smallserial'], nativeName: 'smallint', family: 'integer', frictionless: 'integer', range: [-32768n, 32767n] },
  { name: 'int4', aliases: ['int', 'integer', 'serial'], nativeName: 'integer', family: 'integer', frictionless: 'integer', range: [-2147483648n, 2147483647n] },
  { name: 'int8', aliases: ['bigint', 'bigserial'], nativeName: 'bigint', family: 'integer', frictionless: 'integer', range: [-9223372036854775808n, 9223372036854775807n] },
  { name: 'oid', aliases: [], nativeName: 'oid', family: 'integer', frictionless: 'integer', range: [0n, 4294967295n] },
  { name: 'numeric', aliases: ['decimal'], nativeName: 'numeric', family: 'numeric', frictionless: 'number', modifier: 'precision' },
  { name: 'float4', aliases: ['real'], nativeName: 'real', family: 'float', frictionless: 'number' },
  { name: 'float8', aliases: ['float', 'double', 'double precision'], nativeName: 'double precision', family: 'float', frictionless: 'number' },
  { name: 'bool', aliases: ['boolean'], nativeName: 'boolean', family: 'boolean', frictionless: 'boolean' },
  { name: 'text', aliases: [], nativeName: 'text', family: 'text', frictionless: 'string' },
  { name: 'name', aliases: [], nativeName: 'name', family: 'text', frictionless: 'string' },
  { name: 'varchar', aliases: ['character varying'], nativeName: 'character varying', family: 'text', frictionless: 'string', modifier: 'length' },
  { name: 'bpchar', aliases: ['char', 'character'], nativeName: 'character', family: 'text', frictionless: 'string', modifier: 'length' },
  { name: 'date', aliases: [], nativeName: 'date', family: 'date', frictionless: 'date' },
  { name: 'time', aliases: ['time without time zone'], nativeName: 'time without time zone', family: 'time', frictionless: 'time' },
  { name: 'timetz', aliases: ['time with time zone'], nativeName: 'time with time zone', family: 'opaque', frictionless: 'time', pattern: TIMETZ },
  { name: 'timestamp', aliases: ['timestamp without time zone'], nativeName: 'timestamp without time zone', family: 'timestamp', frictionless: 'datetime' },
  { name: 'timestamptz', aliases: ['timestamp with time zone'], nativeName: 'timestamp with time zone', family: 'timestamptz', frictionless: 'datetime' },
  { name: 'json', aliases: [], nativeName: 'json', family: 'json', frictionless: 'object', csvNull: 'null' },
  { name: 'jsonb', aliases: [], nativeName: 'jsonb', family: 'json', frictionless: 'object' },
  { name: 'uuid', aliases: [], nativeName: 'uuid', family: 'uuid', frictionless: 'string' },
  { name: 'interval', aliases: [], nativeName: 'interval', family: 'opaque', frictionless: 'string', pattern: INTERVAL },
  { name: 'bytea', aliases: [], nativeName: 'bytea', family: 'opaque', frictionless: 'string', pattern: '\\\\x([0-9a-f]{2})*' },
  { name: 'inet', aliases: [], nativeName: 'inet', family: 'opaque', frictionless: 'string', pattern: INET },
  { name: 'cidr', aliases: [], nativeName: 'cidr', family: 'opaque', frictionless: 'string', pattern: INET },
  { name: 'macaddr', aliases: [], nativeName: 'macaddr', family: 'opaque', frictionless: 'string', pattern: '\\s*([0-9a-f]{2}[:.-]?){5}[0-9a-f]{2}\\s*' },
  { name: 'xml', aliases: [], nativeName: 'xml', family: 'opaque', frictionless: 'string' },
]

const byName = new Map<string, FieldType>()
for (const row of rows) for (const name of [row.name, ...row.aliases]) byName.set(name, row)

export const fieldTypes: readonly FieldType[] = rows

/** A type as a column carries it: the row, and what was said about it in parentheses or brackets. */
export interface ColumnType {
  readonly type: FieldType
  /** `text[]`, `_text`: a list of values of `type`. */
  readonly array: boolean
  /** `numeric(p,s)`: both; `varchar(n)`: one. */
  readonly modifier?: readonly number[]
}

/** The Frictionless types that a `schema` may use, each with the column type it is stored as (contract §9.3). */
export const frictionlessTypes: Readonly<Record<FrictionlessType, string>> = {
  integer: 'int8',
  number: 'numeric',
  boolean: 'bool',
  string: 'text',
  date: 'date',
  time: 'timetz',
  datetime: 'timestamptz',
  object: 'jsonb',
  array: 'jsonb',
  geojson: 'jsonb',
  geopoint: 'text',
  any: 'text',
}

/**
 * Reads a type as a `fields` declaration names it: `int`, `NUMERIC(10, 2)`, `text[]`, `_int4`, `double precision`.
 * Answers undefined for what PostgreSQL would not know (Frictionless-only names such as `string` among them).
 */
export function parseColumnType(declared: string): ColumnType | undefined {
  const text = declared.trim().toLowerCase().replace(/\s+/g, ' ')
  const match = /^(_)?([a-z][a-z0-9 ]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?( with(?:out)? time zone)?((?:\s*\[\d*\])*)$/.exec(text)
  if (!match) return undefined
  const [, underscore, name = '', first, second, zone = '', brackets = ''] = match
  const type = byName.get(name + zone)
  if (!type) return undefined
  const array = underscore !== undefined || brackets !== ''
  const modifier = readModifier(type, first, second)
  return modifier === null ? undefined : { type, array, ...(modifier && { modifier }) }
}

function readModifier(type: FieldType, first?: string, second?: string): readonly number[] | undefined | null {
  if (first === undefined) return type.name === 'bpchar' ? [1] : undefined
  if (type.modifier === 'length') return second === undefined && Number(first) > 0 ? [Number(first)] : null
  if (type.modifier !== 'precision') return /time/.test(type.name) && second === undefined ? undefined : null
  const precision = Number(first)
  const scale = Number(second ?? 0)
  return precision >= 1 && precision <= 38 && scale <= precision ? [precision, scale] : null
}

/** The name that search and dump report: `numeric`, `_text` (contract §4.3). */
export function typeName({ type, array }: ColumnType): string {
  return array ? `_${type.name}` : type.name
}

/** PostgreSQL's long name: `integer[]`, `numeric(10,2)`. */
export function nativeTypeName({ type, array }: ColumnType): string {
  return array ? `${type.nativeName}[]` : type.nativeName
}

/** Column type for a name that this table is known to hold. */
export function columnType(name: string): ColumnType {
  const parsed = parseColumnType(name)
  if (!parsed) throw new TypeError(`no column type is called ${name}`)
  return parsed
}
