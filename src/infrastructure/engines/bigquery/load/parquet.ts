import type { FileMetaData, SchemaElement } from 'hyparquet'
import { NotImplemented, ValidationError } from '../../../../core/errors.ts'
import { columnType } from '../../../../core/field-types.ts'
import type { Column } from '../../../../core/table-schema.ts'
import { columnFromDeclaration } from '../../../../core/table-schema.ts'
import type { LoadFile } from '../../engine.ts'
import { pathOf } from './files.ts'
import { NESTED, nanosecondsText, parquetKind } from './parquet-kinds.ts'

type Library = typeof import('hyparquet') & Pick<typeof import('hyparquet-compressors'), 'compressors'>

/** Loads the packages that read Parquet, which not everybody needs. */
async function library(): Promise<Library> {
  try {
    const [hyparquet, { compressors }] = await Promise.all([import('hyparquet'), import('hyparquet-compressors')])
    return { ...hyparquet, compressors }
  } catch {
    throw new NotImplemented(
      'This service has not installed what reads Parquet files: npm install hyparquet hyparquet-compressors',
    )
  }
}

/** What stands inside of lists and structures, as JSON can hold it. */
const parsers = {
  timestampFromMilliseconds: (value: bigint) => nanosecondsText(value * 1_000_000n),
  timestampFromMicroseconds: (value: bigint) => nanosecondsText(value * 1000n),
  timestampFromNanoseconds: nanosecondsText,
  dateFromDays: (days: number) => nanosecondsText(BigInt(days) * 86_400_000_000_000n).slice(0, 10),
}

interface OpenFile {
  hyparquet: Library
  file: Awaited<ReturnType<Library['asyncBufferFromFile']>>
  metadata: FileMetaData
  /** The columns, each with what is inside of it. */
  columns: readonly { element: SchemaElement; isNested: boolean; inner: readonly SchemaElement[] }[]
}

async function open(received: LoadFile): Promise<OpenFile> {
  const hyparquet = await library()
  const file = await hyparquet.asyncBufferFromFile(pathOf(received))
  try {
    const metadata = await hyparquet.parquetMetadataAsync(file, { geoparquet: false })
    const { children } = hyparquet.parquetSchema(metadata)
    const columns = children.map((tree) => ({
      element: tree.element,
      isNested: tree.children.length > 0 || tree.element.repetition_type === 'REPEATED',
      inner: leavesOf(tree),
    }))
    return { hyparquet, file, metadata, columns }
  } catch (error) {
    throw new ValidationError({ format: ['The file is not Parquet, or not whole.'] }, { cause: error })
  }
}

function leavesOf(tree: {
  element: SchemaElement
  children: readonly Parameters<typeof leavesOf>[0][]
}): SchemaElement[] {
  return tree.children.length === 0 ? [tree.element] : tree.children.flatMap(leavesOf)
}

/** The columns of a Parquet file, as columns of a table that hold them without loss. */
export async function parquetColumns(file: LoadFile): Promise<Column[]> {
  const { columns } = await open(file)
  return columns.map(({ element, isNested }) => {
    const type = isNested ? NESTED : parquetKind(element).type
    return columnFromDeclaration(element.name, columnType(type), type)
  })
}

/** More digits of a number inside of a list or a structure are not to be had. */
const DOUBLE_DIGITS = 15

/** The rows of a Parquet file as texts. One group of rows is held at a time: whoever wrote the file has chosen its size. */
export async function* readParquet(
  received: LoadFile,
  names: readonly string[],
): AsyncGenerator<readonly (string | null)[]> {
  const { hyparquet, file, metadata, columns } = await open(received)
  const asked = names.map((name) => columns.find(({ element }) => element.name === name) as (typeof columns)[number])
  const inexact = asked.find(({ isNested, inner }) => isNested && inner.some(isLongDecimal))
  if (inexact) {
    const sentence = `column "${inexact.element.name}": decimals of more than ${DOUBLE_DIGITS} digits inside of a list or structure can't be read without loss`
    throw new ValidationError({ file: [sentence] })
  }
  const flat = new Set(asked.flatMap(({ element, isNested }) => (isNested ? [] : [element])))
  // Values come as they are stored, for a Date has no microseconds and a number too few digits.
  const bare = {
    ...metadata,
    schema: metadata.schema.map((element) => {
      if (!flat.has(element)) return element
      const { converted_type: _converted, logical_type: _logical, ...rest } = element
      return rest
    }),
  }
  const texts = asked.map(({ element, isNested }) => (isNested ? nestedText : parquetKind(element).text))
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const options = {
      file,
      metadata: bare,
      compressors: hyparquet.compressors,
      parsers,
      utf8: false,
      geoparquet: false,
    }
    const rows = await hyparquet
      .parquetReadObjects({ ...options, columns: [...names], rowStart, rowEnd })
      .catch((error: Error) => {
        const codec = /codec: (\w+)/.exec(error.message)?.[1]
        const sentence = codec
          ? `The file is compressed by ${codec}, which is not read here.`
          : 'The file is not Parquet, or not whole.'
        throw new ValidationError({ format: [sentence] }, { cause: error })
      })
    for (const row of rows)
      yield names.map((name, index) => {
        const value: unknown = row[name]
        return value === null || value === undefined ? null : (texts[index] as (value: unknown) => string)(value)
      })
    rowStart = rowEnd
  }
}

function isLongDecimal({ converted_type: type, precision = 0 }: SchemaElement): boolean {
  return type === 'DECIMAL' && precision > DOUBLE_DIGITS
}

/** A list or a structure as JSON. */
function nestedText(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return JSON.stringify(`\\x${Buffer.from(value).toString('hex')}`)
  if (Array.isArray(value)) return `[${value.map(nestedText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  return `{${Object.entries(value)
    .map(([name, item]) => `${JSON.stringify(name)}:${nestedText(item)}`)
    .join(',')}}`
}
