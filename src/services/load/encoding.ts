import { ValidationError } from '../../core/errors.ts'
import type { ByteStream } from './bytes.ts'
import { skipped, through, watch } from './bytes.ts'

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1'

const NAMES: Readonly<Record<string, Encoding>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'utf-8-sig': 'utf-8',
  'us-ascii': 'utf-8',
  ascii: 'utf-8',
  'utf-16': 'utf-16le',
  utf16: 'utf-16le',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
  latin1: 'latin1',
  'latin-1': 'latin1',
  'iso-8859-1': 'latin1',
  'windows-1252': 'latin1',
  cp1252: 'latin1',
}

const MARKS: readonly [Encoding, readonly number[]][] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]

/**
 * A text file as UTF-8 without a byte-order mark. Its encoding is what is declared, else what its mark says, else
 * UTF-8; what contradicts the declaration is refused, and so is a zero byte, which no text has.
 *
 * @param head - The file's first bytes.
 * @throws ValidationError, also from the stream.
 */
export function asUtf8(body: ByteStream, head: Uint8Array, declared: string | undefined): ByteStream {
  const marked = MARKS.find(([, mark]) => mark.every((byte, index) => head[index] === byte))
  const encoding = declared === undefined ? (marked?.[0] ?? 'utf-8') : known(declared)
  if (marked && marked[0] !== encoding && !(marked[0].startsWith('utf-16') && isUtf16(declared))) {
    throw refused(`the file begins with the mark of ${marked[0].toUpperCase()}, but encoding=${declared} was given`)
  }
  const actual = marked?.[0] ?? encoding
  if (actual.startsWith('utf-16')) return fromUtf16(body, head, actual, marked !== undefined)
  const text = actual === 'latin1' ? fromLatin1(body) : marked ? skipped(body, 3) : body
  return watch(text, (chunk) => {
    if (chunk.includes(0))
      throw refused('the file holds zero bytes: it is no text, or its encoding is another one (encoding=utf-16le?)')
  })
}

function known(declared: string): Encoding {
  const name = declared.toLowerCase()
  if (Object.hasOwn(NAMES, name)) return NAMES[name] as Encoding
  throw refused(`must be one of utf-8, utf-16le, utf-16be, latin1, not ${JSON.stringify(declared.slice(0, 50))}`)
}

function isUtf16(declared: string | undefined): boolean {
  return /^utf-?16$/i.test(declared ?? '')
}

function refused(sentence: string): ValidationError {
  return new ValidationError({ encoding: [sentence] })
}

function fromUtf16(body: ByteStream, head: Uint8Array, encoding: Encoding, marked: boolean): ByteStream {
  // Text of any kind has line ends and blanks, which are zero bytes in UTF-16.
  if (!marked && !head.includes(0)) throw refused('the file is not UTF-16: it holds no zero byte')
  const sentence = `The file is not whole ${encoding.toUpperCase()} text.`
  return through(body, decoding(encoding), sentence)
}

/** The WHATWG's `latin1` is windows-1252, which is what such files are in truth. */
function fromLatin1(body: ByteStream): ByteStream {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let mayBeUtf8 = true
  let isPlain = true
  const look = (chunk?: Uint8Array) => {
    try {
      decoder.decode(chunk, { stream: chunk !== undefined })
    } catch {
      mayBeUtf8 = false
    }
  }
  const watched = watch(body, (chunk) => {
    if (isPlain && chunk.some((byte) => byte >= 0x80)) isPlain = false
    if (mayBeUtf8 && !isPlain) look(chunk)
  })
  const check = new TransformStream<Uint8Array, Uint8Array>({
    flush() {
      if (mayBeUtf8) look()
      if (mayBeUtf8 && !isPlain)
        throw refused('the file is declared Latin-1, but all of it is valid UTF-8: leave encoding= away')
    },
  })
  return through(watched, decoding('latin1'), 'The file is not Latin-1 text.').pipeThrough(check)
}

function decoding(encoding: Encoding): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder(encoding, { fatal: true })
  const encoder = new TextEncoder()
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const text = decoder.decode(chunk, { stream: true })
      if (text !== '') controller.enqueue(encoder.encode(text))
    },
    flush(controller) {
      const text = decoder.decode()
      if (text !== '') controller.enqueue(encoder.encode(text))
    },
  })
}
