import parserModule from 'node-sql-parser/build/bigquery.js'
import { MeasuredText } from '../../../../core/measured-text.ts'
import { checkNode, type Seen } from './nodes.ts'
import { outline } from './outline.ts'
import { invalid, type Token } from './tokens.ts'

const parser = new parserModule.Parser()

/** The parser can double its work with each level, on the thread that serves everybody: it looks only so often. */
const looksFor = (text: string): number => Math.min(1_000_000, 200_000 + 200 * text.length)

/**
 * What another reader says of a statement: `node-sql-parser`, by its grammar of BigQuery. Every node of its tree must be
 * of a known kind.
 *
 * @param tokens as BigQuery reads them
 * @throws {NotAuthorized} 403 kinds of nodes that are not on the allow-list
 * @throws {ValidationError} 409 what it can't parse, or not with reasonable work
 */
export function readTree(tokens: readonly Token[]): Seen {
  const { text, nameOf } = outline(tokens)
  const seen: Seen = { tables: [], calls: [], nameOf }
  checkNode(parse(text), seen)
  return seen
}

function parse(text: string): unknown {
  try {
    const measured = new MeasuredText(text, looksFor(text)) as unknown as string
    return parser.astify(measured, { database: 'bigquery', trimQuery: false })
  } catch (error) {
    const { found, location } = error as { found?: string | null; location?: { start?: { offset?: number } } }
    const offset = location?.start?.offset
    if (offset === undefined) throw invalid('Query is too complex.')
    const near = found === null ? 'end of input' : `"${text.slice(offset).split(' ')[0]}"`
    throw invalid(
      `(SyntaxError) syntax error at or near ${near}: BigQuery's grammar has no such statement, or this gate does not know it.`,
    )
  }
}
