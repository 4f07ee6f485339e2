import { JsonScanner, Kind } from '../../core/json-scanner.ts'

const CLOSE_LIST = 0x5d
const NEWLINE = 0x0a
const decoder = new TextDecoder()
const encoder = new TextEncoder()

const START = '<data xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
const END = '</data>\n'

/**
 * Turns rows that are JSON lists, one a line, into CKAN's XML (contract §8.9). Numbers keep all their digits.
 *
 * @param names - The columns' names. A first `_id` becomes an attribute of the row.
 */
export function xmlRows(lines: ReadableStream<Uint8Array>, names: readonly string[]): ReadableStream<Uint8Array> {
  const elements = elementNames(names)
  let rest = new Uint8Array()
  return lines.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode(START)),
      transform(chunk, controller) {
        const end = chunk.lastIndexOf(NEWLINE) + 1
        if (end === 0) {
          rest = join(rest, chunk)
          return
        }
        const whole = join(rest, chunk.subarray(0, end))
        rest = chunk.slice(end)
        controller.enqueue(encoder.encode(rowsOf(whole, elements, names[0] === '_id')))
      },
      flush(controller) {
        controller.enqueue(encoder.encode(END))
      },
    }),
  )
}

/** XML names for columns: NFC, without what a name may not hold, each only once (contract §8.9). */
export function elementNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map((name) => {
    const base =
      name
        .normalize('NFC')
        .replace(/^(?:\d*xml\d*|\d+)+/i, '')
        .replace(/\s+/g, '_')
        .replace(/[^\p{L}\p{N}\p{M}_.-]/gu, '')
        .replace(/^[\d.-]+/, '') || '_'
    let unique = base
    for (let suffix = 0; taken.has(unique); suffix += 1) unique = `${base}_${suffix}`
    taken.add(unique)
    return unique
  })
}

function rowsOf(lines: Uint8Array, elements: readonly string[], idFirst: boolean): string {
  const scanner = new JsonScanner(lines)
  let text = ''
  while (scanner.next() !== Kind.none) {
    const values = cells(scanner, elements)
    const [id] = values
    text += idFirst ? `<row _id="${id?.text ?? ''}">` : '<row>'
    for (const { name, text: value, nil } of idFirst ? values.slice(1) : values) {
      text += nil ? `<${name} xsi:nil="true" />` : `<${name}>${value}</${name}>`
    }
    text += '</row>\n'
  }
  return text
}

interface XmlCell {
  name: string
  text: string
  nil: boolean
}

function cells(scanner: JsonScanner, elements: readonly string[]): XmlCell[] {
  const found: XmlCell[] = []
  scanner.enter(0)
  if (!scanner.some(CLOSE_LIST)) return found
  do found.push({ name: elements[found.length] as string, ...value(scanner) })
  while (scanner.more(CLOSE_LIST))
  return found
}

function value(scanner: JsonScanner): { text: string; nil: boolean } {
  const kind = scanner.next()
  if (kind === Kind.array) return { text: listItems(scanner), nil: false }
  if (kind === Kind.object) return { text: objectMembers(scanner), nil: false }
  const start = scanner.pos
  scanner.value(0)
  const source = decoder.decode(scanner.bytes.subarray(start, scanner.pos))
  if (kind === Kind.null) return { text: '', nil: true }
  if (kind === Kind.boolean) return { text: source === 'true' ? 'True' : 'False', nil: false }
  return { text: kind === Kind.string ? plain(JSON.parse(source) as string) : source, nil: false }
}

function listItems(scanner: JsonScanner): string {
  let text = ''
  scanner.enter(0)
  if (!scanner.some(CLOSE_LIST)) return text
  let index = 0
  do text += element(String(index++), value(scanner))
  while (scanner.more(CLOSE_LIST))
  return text
}

function objectMembers(scanner: JsonScanner): string {
  const start = scanner.pos
  let text = ''
  for (const [key, span] of scanner.members()) {
    text += element(key, value(new JsonScanner(scanner.bytes, span.start, span.end)))
  }
  return scanner.pos > start ? text : ''
}

function element(key: string, { text, nil }: { text: string; nil: boolean }): string {
  return nil ? `<value key="${attribute(key)}" xsi:nil="true" />` : `<value key="${attribute(key)}">${text}</value>`
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const ATTRIBUTE_ESCAPES: Readonly<Record<string, string>> = { '"': '&quot;', '\t': '&#9;', '\n': '&#10;' }

/** Text as XML may hold it: what no XML document can say becomes the replacement character. */
function plain(text: string): string {
  return text
    .replace(/[&<>]/g, (char) => ESCAPES[char] as string)
    .replace(/\r/g, '&#13;')
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
}

function attribute(text: string): string {
  return plain(text).replace(/["\t\n]/g, (char) => ATTRIBUTE_ESCAPES[char] as string)
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}
