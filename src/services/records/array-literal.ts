/** The elements of an array, lists within lists. */
export type List = (string | null | List)[]

/** As deep as PostgreSQL's arrays go. */
const MAX_DIMENSIONS = 6
const NEEDS_QUOTES = /^$|^null$|[{}",\\\s]/i
const MARKS = '{},"'

/** An array as PostgreSQL writes it: `{a,NULL,"x y"}`. */
export function formatArrayLiteral(list: List): string {
  return `{${list.map(formatElement).join(',')}}`
}

function formatElement(element: string | null | List): string {
  if (element === null) return 'NULL'
  if (Array.isArray(element)) return formatArrayLiteral(element)
  return NEEDS_QUOTES.test(element) ? `"${element.replace(/["\\]/g, '\\$&')}"` : element
}

/** Reads what PostgreSQL reads as an array, without subscripts (`[0:1]=`). Undefined: malformed. */
export function parseArrayLiteral(text: string): List | undefined {
  const reader = new LiteralReader(text)
  const list = reader.list(1)
  return list && reader.isAtEnd() ? list : undefined
}

class LiteralReader {
  private readonly text: string
  private at = 0

  constructor(text: string) {
    this.text = text
  }

  list(depth: number): List | undefined {
    if (depth > MAX_DIMENSIONS || !this.take('{')) return undefined
    const list: List = []
    if (this.take('}')) return list
    do {
      const element = this.peek() === '{' ? this.list(depth + 1) : this.element()
      if (element === undefined) return undefined
      // Lists stand beside lists only.
      if (list.length > 0 && Array.isArray(element) !== Array.isArray(list[0])) return undefined
      list.push(element)
    } while (this.take(','))
    return this.take('}') ? list : undefined
  }

  isAtEnd(): boolean {
    return this.peek() === ''
  }

  private element(): string | null | undefined {
    return this.take('"') ? this.quoted() : this.bare()
  }

  private quoted(): string | undefined {
    const { text } = this
    let element = ''
    for (let from = this.at; this.at < text.length; this.at++) {
      const char = text[this.at]
      if (char !== '"' && char !== '\\') continue
      element += text.slice(from, this.at)
      from = this.at + 1
      if (char === '\\') this.at++
      else {
        this.at++
        return element
      }
    }
    return undefined
  }

  /** Anything up to a comma or brace, without the blanks around it; empty is malformed. */
  private bare(): string | null | undefined {
    const { text } = this
    const start = this.at
    let escaped = false
    let end = start
    for (; this.at < text.length && !MARKS.includes(text[this.at] as string); this.at++) {
      if (text[this.at] === '\\') {
        escaped = true
        this.at++
      } else if (isBlank(text[this.at])) continue
      end = this.at + 1
    }
    const element = text.slice(start, end)
    if (escaped) return element.replace(/\\(.)/gs, '$1')
    if (element === '') return undefined
    return element.toLowerCase() === 'null' ? null : element
  }

  /** Steps over this mark, if it is the next that is no blank. */
  private take(mark: string): boolean {
    if (this.peek() !== mark) return false
    this.at++
    return true
  }

  /** The next character that is no blank, or nothing at the end. */
  private peek(): string {
    while (isBlank(this.text[this.at])) this.at++
    return this.text[this.at] ?? ''
  }
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || (char !== undefined && char >= '\t' && char <= '\r')
}
