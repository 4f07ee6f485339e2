import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  HAS_ESCAPE,
  HAS_LONE_SURROGATE,
  HAS_NUL,
  JsonNotObject,
  JsonScanner,
  JsonSyntaxError,
  splitObject,
} from '../../src/core/json-scanner.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The members as text: what the spans hold. */
function split(source: string | Uint8Array): Record<string, string> {
  const bytes = typeof source === 'string' ? encoder.encode(source) : source
  return Object.fromEntries(
    [...splitObject(bytes)].map(([name, { start, end }]) => [name, decoder.decode(bytes.subarray(start, end))]),
  )
}

const splits: Record<string, [source: string, members: Record<string, string>]> = {
  'an empty object': ['{}', {}],
  'a byte order mark and white space': ['\ufeff \t\r\n{ "a" : 1 } \n', { a: '1' }],
  'values of every kind, as written': [
    '{"a":1.10,"b":"x\\ty","c":[1, 2],"d":{"e": null},"f":true,"g":false,"h":null}',
    { a: '1.10', b: '"x\\ty"', c: '[1, 2]', d: '{"e": null}', f: 'true', g: 'false', h: 'null' },
  ],
  'equal names: the last': ['{"a":1,"b":2,"a":3}', { a: '3', b: '2' }],
  'names with escapes and beyond ASCII': ['{"caf\\u00e9":1,"日本":2,"q\\"":3}', { café: '1', 日本: '2', 'q"': '3' }],
  'numbers of every form': [
    '{"a":-0,"b":0.5,"c":1e300,"d":-1.5E+2,"e":12345678901234567890.123456789}',
    { a: '-0', b: '0.5', c: '1e300', d: '-1.5E+2', e: '12345678901234567890.123456789' },
  ],
  'half surrogates and NUL': ['{"a":"\\ud800","b":"\\u0000"}', { a: '"\\ud800"', b: '"\\u0000"' }],
  '64 levels': [`{"a":${'['.repeat(63)}${']'.repeat(63)}}`, { a: '['.repeat(63) + ']'.repeat(63) }],
}

const refusals: [source: string, message: string][] = [
  ['', 'Expecting value: line 1 column 1 (char 0)'],
  ['{', 'Expecting property name enclosed in double quotes: line 1 column 2 (char 1)'],
  ['{"a"', "Expecting ':' delimiter: line 1 column 5 (char 4)"],
  ['{"a":', 'Expecting value: line 1 column 6 (char 5)'],
  ['{"a":1', "Expecting ',' delimiter: line 1 column 7 (char 6)"],
  ['{"a":1,}', 'Expecting property name enclosed in double quotes: line 1 column 8 (char 7)'],
  ["{'a':1}", 'Expecting property name enclosed in double quotes: line 1 column 2 (char 1)'],
  ['{"a":1} x', 'Extra data: line 1 column 9 (char 8)'],
  ['{\n  "a": 1,\n  "b" 2\n}', "Expecting ':' delimiter: line 3 column 7 (char 18)"],
  ['{"é":1 "b":2}', "Expecting ',' delimiter: line 1 column 8 (char 7)"],
  ['{"a":01}', "Expecting ',' delimiter: line 1 column 7 (char 6)"],
  ['{"a":1.}', "Expecting ',' delimiter: line 1 column 7 (char 6)"],
  ['{"a":1e}', "Expecting ',' delimiter: line 1 column 7 (char 6)"],
  ['{"a":.5}', 'Expecting value: line 1 column 6 (char 5)'],
  ['{"a":+1}', 'Expecting value: line 1 column 6 (char 5)'],
  ['{"a":-}', 'Expecting value: line 1 column 6 (char 5)'],
  ['{"a":NaN}', 'Expecting value: line 1 column 6 (char 5)'],
  ['{"a":-Infinity}', 'Expecting value: line 1 column 6 (char 5)'],
  ['{"a":nul}', 'Expecting value: line 1 column 6 (char 5)'],
  ['{"a":tru', 'Expecting value: line 1 column 6 (char 5)'],
  ['{"a":[1,]}', 'Expecting value: line 1 column 9 (char 8)'],
  ['{"a":"x', 'Unterminated string starting at: line 1 column 6 (char 5)'],
  ['{"a":"x\\', 'Unterminated string starting at: line 1 column 6 (char 5)'],
  ['{"a":"x\ny"}', 'Invalid control character at: line 1 column 8 (char 7)'],
  ['{"a":"\\x"}', 'Invalid \\escape: line 1 column 7 (char 6)'],
  ['{"a":"\\u12g4"}', 'Invalid \\uXXXX escape: line 1 column 7 (char 6)'],
  [`{"a":${'['.repeat(64)}${']'.repeat(64)}}`, 'Nested deeper than 64 levels: line 1 column 69 (char 68)'],
  ['['.repeat(100_000), 'Nested deeper than 64 levels: line 1 column 65 (char 64)'],
]

const notObjects: [source: string, repr: string][] = [
  ['[1]', '[1]'],
  ['[ 1.0 ,true,false,null,"it\'s","a\\nb"]', "[1.0, True, False, None, \"it's\", 'a\\nb']"],
  ['[{"a":[]}]', "[{'a': []}]"],
  ['"x"', "'x'"],
  ['null', 'None'],
  [`[${'1234567,'.repeat(50)}1]`, `[${'1234567, '.repeat(11)}…`],
]

const malformed: Record<string, number[]> = {
  'a lone continuation byte': [0x80],
  'an overlong slash': [0xc0, 0xaf],
  'an overlong form of three bytes': [0xe0, 0x80, 0xaf],
  'an encoded surrogate': [0xed, 0xa0, 0x80],
  'a code point past U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
  'a lead byte without its tail': [0xe6, 0x97],
  'the byte 0xff': [0xff],
}

describe('splitObject', () => {
  it.each(Object.entries(splits))('reads %s', (_, [source, members]) => {
    expect(split(source)).toEqual(members)
  })

  it.each(refusals)('refuses %j: %s', (source, message) => {
    expect(caught(() => split(source))).toMatchObject({ name: 'JsonSyntaxError', message })
  })

  it('tells where', () => {
    const error = caught(() => split('{"a":1,\n"é": x}')) as JsonSyntaxError
    expect(error).toMatchObject({ name: 'JsonSyntaxError', line: 2, column: 6, offset: 13 })
  })

  it.each(notObjects)('says what %s is', (source, repr) => {
    const error = caught(() => split(source))
    expect(error).toBeInstanceOf(JsonNotObject)
    expect((error as JsonNotObject).repr.replace(/…$/, '')).toBe(repr.replace(/…$/, '').slice(0, 100))
  })

  it.each(Object.entries(malformed))('refuses %s', (_, tail) => {
    const bytes = new Uint8Array([...encoder.encode('{"a":"'), ...tail, ...encoder.encode('"}')])
    expect(() => splitObject(bytes)).toThrow('Invalid UTF-8: line 1 column 7 (char 6)')
  })

  it('reads a subclass of Uint8Array and a view into a larger buffer', () => {
    const whole = Buffer.from('xx{"a":"b"}yy')
    expect(split(whole.subarray(2, 11))).toEqual({ a: '"b"' })
  })
})

describe('flags', () => {
  const cases: [string, number][] = [
    ['"plain"', 0],
    ['"\\n"', HAS_ESCAPE],
    ['"\\ud83d\\ude00"', HAS_ESCAPE],
    ['"\\ud83d"', HAS_ESCAPE | HAS_LONE_SURROGATE],
    ['"\\ud83d\\u0041"', HAS_ESCAPE | HAS_LONE_SURROGATE],
    ['"\\ude00\\ud83d"', HAS_ESCAPE | HAS_LONE_SURROGATE],
    ['["a",["\\u0000"]]', HAS_ESCAPE | HAS_NUL],
  ]
  it.each(cases)('%s', (source, flags) => {
    const scanner = new JsonScanner(encoder.encode(source))
    scanner.value(0)
    expect(scanner.flags).toBe(flags)
  })
})

describe('against JSON.parse', () => {
  const name = fc.string({ unit: 'grapheme', maxLength: 6 }).filter((text) => text !== '__proto__')
  const object = fc.dictionary(name, fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 4 }))
  const indent = fc.constantFrom(undefined, 1, '\t', '\r\n ')
  const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom('', ...'{}[]",:\\0159-+.eEtfnulx \n\u0001é')), {
    maxLength: 3,
  })

  it('spans hold the same values', () => {
    fc.assert(
      fc.property(object, indent, (value, space) => {
        const source = JSON.stringify(value, null, space)
        const parsed = Object.entries(split(source)).map(([key, text]) => [key, JSON.parse(text)])
        expect(Object.fromEntries(parsed)).toEqual(JSON.parse(source))
      }),
    )
  })

  it('accepts what JSON.parse accepts, and nothing else', () => {
    fc.assert(
      fc.property(object, indent, damage, (value, space, changes) => {
        let source = JSON.stringify(value, null, space)
        for (const [at, text] of changes) {
          const p = at % source.length
          source = source.slice(0, p) + text + source.slice(p + 1)
        }
        source = decoder.decode(encoder.encode(source))
        expect(accepts(() => split(source))).toBe(accepts(() => JSON.parse(source)))
      }),
      { numRuns: 2000 },
    )
  })
})

function accepts(read: () => unknown): boolean {
  const error = caught(read)
  if (error === undefined || error instanceof JsonNotObject) return true
  if (error instanceof SyntaxError || error instanceof JsonSyntaxError) return false
  throw error
}

function caught(read: () => unknown): unknown {
  try {
    read()
    return undefined
  } catch (error) {
    return error
  }
}
