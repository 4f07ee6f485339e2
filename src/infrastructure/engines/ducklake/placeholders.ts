import { badValue } from '../../../core/bad-value.ts'
import { ValidationError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import type { Session } from '../duckdb/client.ts'
import type { TablePlan } from '../engine.ts'
import { quoteIdentifier } from '../sql/quote.ts'

/** What DuckLake fills in wherever it stands in the SQL that it writes, values of users included (traps T12). */
const PLACEHOLDER =
  '\\{(SNAPSHOT_ID|SCHEMA_VERSION|NEXT_CATALOG_ID|NEXT_FILE_ID|AUTHOR|COMMIT_MESSAGE|COMMIT_EXTRA_INFO|METADATA_(CATALOG|SCHEMA|PATH)[A-Z_]*|DATA_PATH)\\}'

const pattern = new RegExp(PLACEHOLDER)

const REFUSED = `${PLACEHOLDER}|\\x00`

const REASON = 'DuckLake would take it for a place to fill in'

/** Whether a text can stand in a statement about the lake. */
export function isKept(text: string): boolean {
  return !pattern.test(text) && !text.includes('\0')
}

/**
 * Refuses a statement with a text that DuckLake would fill in: it copies what rows are compared with into SQL of its own, so that
 * the rest of such a text would become a part of that.
 *
 * @throws ValidationError naming the text.
 */
export function checkStatement(sql: string, values: readonly unknown[] = []): void {
  for (const text of [sql, ...values.map(String)]) {
    const found = pattern.exec(text)?.[0] ?? (text.includes(NUL) || text.includes('\0') ? '\\u0000' : undefined)
    if (found === undefined) continue
    const sentence = `The text "${found}" can't be used in a query here.`
    throw new ValidationError({ query: [sentence] }, { message: sentence })
  }
}

/** How a NUL character is written in a statement. */
const NUL = '|| chr(0) ||'

/** Columns that DuckLake keeps rows by. */
const RESERVED = /^(row_id|begin_snapshot|end_snapshot|_ducklake_internal_.*)$/i

/** Constraints whose texts become a part of statements; the rest of a definition is only stored. */
const CONSTRAINTS: ReadonlySet<string> = new Set(['minimum', 'maximum', 'enum', 'pattern'])

function checkConstraintTexts({ name, field }: Column): void {
  for (const [constraint, limit] of Object.entries(field.constraints ?? {})) {
    if (!CONSTRAINTS.has(constraint)) continue
    const texts = [limit].flat().map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
    const text = texts.find((text) => !isKept(text))
    if (text === undefined) continue
    const what = pattern.exec(text)?.[0] ?? '\\u0000'
    throw new ValidationError({
      fields: [`field "${name}": the constraint ${constraint} holds "${what}", which can't be used in a query here`],
    })
  }
}

/**
 * Refuses names, and texts of constraints, that a lake can't keep as they are.
 *
 * @param reserved - Names that the catalog's database has for columns of its own.
 * @throws ValidationError naming the first.
 */
export function checkNames(
  { id, aliases = [], columns }: Pick<TablePlan, 'id' | 'aliases' | 'columns'>,
  reserved?: RegExp,
): void {
  const names = columns.map(({ name }) => name)
  const refuse = (parameter: string, name: string, reason = REASON) => {
    throw new ValidationError({ [parameter]: [`"${name}" can't be used as a name here: ${reason}`] })
  }
  if (pattern.test(id)) refuse('resource_id', id)
  for (const alias of aliases) if (pattern.test(alias)) refuse('alias', alias)
  for (const name of names) {
    if (pattern.test(name)) refuse('fields', name)
    if (RESERVED.test(name)) refuse('fields', name, 'DuckLake has a column of that name')
    if (reserved?.test(name)) refuse('fields', name, "the database of the lake's catalog has a column of that name")
  }
  columns.forEach(checkConstraintTexts)
}

/**
 * Refuses staged values that a lake would not keep as they are: texts with a placeholder, or with a NUL character.
 *
 * @throws ValidationError naming the first row and column.
 */
export async function checkValues(session: Session, columns: readonly Column[]): Promise<void> {
  const texts = columns.filter(({ type }) => type.array || HOLDS_TEXT.has(type.type.family))
  if (texts.length === 0) return
  const whole = `concat_ws(' ', ${texts.map(({ name }) => quoteIdentifier(name)).join(', ')})`
  const [row] =
    (await session.row(`SELECT min(_row) FROM temp._typed WHERE regexp_matches(${whole}, '${REFUSED}')`)) ?? []
  if (row === null || row === undefined) return
  const found = texts.map(({ name }) => `regexp_extract(CAST(${quoteIdentifier(name)} AS VARCHAR), '${REFUSED}')`)
  const values = (await session.row(`SELECT ${found.join(', ')} FROM temp._typed WHERE _row = ${row}`)) ?? []
  const index = values.findIndex((value) => value !== null && value !== '')
  const text = String(values[index])
  const sentence =
    text === '\0' ? 'the text holds a NUL character, which a lake can not keep' : `the text holds "${text}": ${REASON}`
  throw badValue(Number(row), (texts[index] as Column).name, sentence)
}

const HOLDS_TEXT: ReadonlySet<string> = new Set(['text', 'json', 'opaque'])
