import type { Configuration } from './configurations.ts'
import type { TextExpression, Word } from './expression.ts'
import { combine, compound, TextQuerySyntaxError } from './expression.ts'
import { tokenize } from './tokenize.ts'

/** An operand, read: undefined when only stop words were in it. */
type Operand = TextExpression | undefined

type Piece = { operator: '(' | ')' | '&' | '|' | '!' } | { distance: number } | { operand: string; prefix: boolean }

const DEPTH_MAX = 100
const DISTANCE_MAX = 100

const pieces: readonly { pattern: RegExp; read: (match: RegExpExecArray) => Piece }[] = [
  { pattern: /([()&|!])/y, read: ([, operator]) => ({ operator: operator as '&' }) },
  { pattern: /<(-|\d+)>/y, read: ([, n]) => ({ distance: n === '-' ? 1 : Number(n) }) },
  {
    pattern: /'((?:[^'\\]|''|\\[\s\S])*)'(:[*abcd]*)?/iy,
    read: ([, text = '', flags]) => operand(text.replace(/''/g, "'"), flags),
  },
  {
    pattern: /((?:[^\s()&|!:'\\<]|\\[\s\S])(?:[^\s()&|!:\\<]|\\[\s\S])*)(:[*abcd]*)?/iy,
    read: ([, text = '', flags]) => operand(text, flags),
  },
]

function operand(text: string, flags = ''): Piece {
  return { operand: text.replace(/\\([\s\S])/g, '$1'), prefix: flags.includes('*') }
}

/** Reads PostgreSQL's tsquery syntax; operators bind as there: `!`, `<->`, `&`, `|`. See `parseTextQuery`. */
export function parseTsquery(text: string, configuration: Configuration): Operand {
  const parser = new Parser(split(text), configuration)
  return parser.whole()
}

function split(text: string): Piece[] {
  const found: Piece[] = []
  let at = skipBlanks(text, 0)
  while (at < text.length) {
    const match = firstMatch(text, at)
    found.push(match.piece)
    at = skipBlanks(text, match.end)
  }
  return found
}

function skipBlanks(text: string, at: number): number {
  let next = at
  while (next < text.length && /\s/.test(text.charAt(next))) next++
  return next
}

function firstMatch(text: string, at: number): { piece: Piece; end: number } {
  for (const { pattern, read } of pieces) {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match) return { piece: read(match), end: at + match[0].length }
  }
  throw new TextQuerySyntaxError(`syntax error in tsquery at ${JSON.stringify(text.slice(at, at + 20))}`)
}

class Parser {
  readonly #pieces: readonly Piece[]
  readonly #configuration: Configuration
  #at = 0
  #depth = 0

  constructor(list: readonly Piece[], configuration: Configuration) {
    this.#pieces = list
    this.#configuration = configuration
  }

  whole(): Operand {
    if (this.#pieces.length === 0) return undefined
    const expression = this.#or()
    if (this.#at < this.#pieces.length)
      throw new TextQuerySyntaxError('syntax error in tsquery: an operator is missing')
    return expression
  }

  #or(): Operand {
    return this.#list('or', '|', () => this.#list('and', '&', () => this.#phrase()))
  }

  #list(kind: 'and' | 'or', operator: '&' | '|', part: () => Operand): Operand {
    const parts = [part()]
    while (this.#take(operator)) parts.push(part())
    return combine(kind, parts)
  }

  #phrase(): Operand {
    let left = this.#unary()
    let distance = 0
    for (;;) {
      const piece = this.#pieces[this.#at]
      if (!piece || !('distance' in piece)) return left
      this.#at++
      const right = this.#unary()
      distance += piece.distance
      if (left && !right) continue
      left = left && right ? follow(left, right, distance) : right
      distance = 0
    }
  }

  #unary(): Operand {
    if (this.#take('!')) {
      const part = this.#nested(() => this.#unary())
      return part && { kind: 'not', part }
    }
    if (this.#take('(')) {
      const inner = this.#nested(() => this.#or())
      if (!this.#take(')')) throw new TextQuerySyntaxError('syntax error in tsquery: a parenthesis is not closed')
      return inner
    }
    return this.#operand()
  }

  #operand(): Operand {
    const piece = this.#pieces[this.#at++]
    if (!piece || !('operand' in piece)) throw new TextQuerySyntaxError('syntax error in tsquery: a word is missing')
    const tokens = tokenize(piece.operand).map((token) => token.text)
    return compound(tokens, this.#configuration, piece.prefix)
  }

  #nested(read: () => Operand): Operand {
    if (++this.#depth > DEPTH_MAX) throw new TextQuerySyntaxError('a tsquery may not be nested that deep')
    const inner = read()
    this.#depth--
    return inner
  }

  #take(operator: '(' | ')' | '&' | '|' | '!'): boolean {
    const piece = this.#pieces[this.#at]
    if (!piece || !('operator' in piece) || piece.operator !== operator) return false
    this.#at++
    return true
  }
}

/** `left <distance> right`. */
function follow(left: TextExpression, right: TextExpression, distance: number): TextExpression {
  if (distance < 1 || distance > DISTANCE_MAX) {
    throw new TextQuerySyntaxError(`the distance in a phrase operator must be between 1 and ${DISTANCE_MAX}`)
  }
  const [before, after] = [sequence(left), sequence(right)]
  return {
    kind: 'phrase',
    words: [...before.words, ...after.words],
    distances: [...before.distances, distance, ...after.distances],
  }
}

function sequence(expression: TextExpression): { words: readonly Word[]; distances: readonly number[] } {
  if (expression.kind === 'word') return { words: [expression], distances: [] }
  if (expression.kind === 'phrase') return expression
  throw new TextQuerySyntaxError('only words can stand beside <-> here')
}
