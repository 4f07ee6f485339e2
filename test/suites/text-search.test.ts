import { DuckDBInstance } from '@duckdb/node-api'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { configurationName, configurationNames, findConfiguration } from '../../src/core/text-search/configurations.ts'
import type { TextExpression } from '../../src/core/text-search/expression.ts'
import { TextQuerySyntaxError } from '../../src/core/text-search/expression.ts'
import { parseTextQuery } from '../../src/core/text-search/query.ts'
import { stopWords } from '../../src/core/text-search/stop-words.ts'
import { TOKEN_PATTERN, tokenize } from '../../src/core/text-search/tokenize.ts'

async function configuration(name: string) {
  const found = await findConfiguration(name)
  if (!found) throw new Error(`no configuration ${name}`)
  return found
}

/** As PostgreSQL prints a tsquery. */
function show(expression: TextExpression | undefined): string {
  if (!expression) return ''
  if (expression.kind === 'word') return `'${expression.lexeme}'${expression.prefix ? ':*' : ''}`
  if (expression.kind === 'not') return `!${group(expression.part)}`
  if (expression.kind === 'phrase') {
    const distance = (index: number) => expression.distances[index - 1] ?? 1
    return expression.words
      .map(show)
      .reduce((left, right, index) => `${left} <${distance(index) === 1 ? '-' : distance(index)}> ${right}`)
  }
  return expression.parts.map(group).join(expression.kind === 'and' ? ' & ' : ' | ')
}

const group = (part: TextExpression) => (part.kind === 'and' || part.kind === 'or' ? `( ${show(part)} )` : show(part))

describe('§6 tokens', () => {
  const cases: [text: string, tokens: string[]][] = [
    ['The quick, BROWN fox.', ['the', 'quick', 'brown', 'fox']],
    ['13.4', ['13.4']],
    ['v1.2.3 and 5kg', ['v1.2.3', 'and', '5kg']],
    ['-5 +7', ['5', '7']],
    ['2011-01-02', ['2011', '01', '02']],
    ['10 % of 1.000,50', ['10', 'of', '1.000', '50']],
    ['end.3. x', ['end', '3', 'x']],
    ["O'Brien’s", ['o', 'brien', 's']],
    ['ÅNGSTRÖM İstanbul ΟΔΟΣ', ['ångström', 'istanbul', 'οδοσ']],
    ['東京都 نص हिन्दी', ['東京都', 'نص', 'हिन्दी']],
    ['a_b/c@d', ['a', 'b', 'c', 'd']],
    ['…', []],
  ]
  test.each(cases)('%s', (text, tokens) => {
    expect(tokenize(text).map((token) => token.text)).toEqual(tokens)
  })

  test('are the same in SQL', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const scripts = fc.constantFrom(...'aZ09.-_ \'"ÄßñéİıΣςЯё東아אनि्٣Ⅷ½ﬁ\u0301\n', '𝒜', '😀')
    const text = fc.array(scripts, { maxLength: 40 }).map((parts) => parts.join(''))
    const property = fc.asyncProperty(text, async (sample) => {
      const reader = await connection.runAndReadAll('SELECT to_json(regexp_extract_all(lower($1), $2))', [
        sample,
        TOKEN_PATTERN,
      ])
      expect(tokenize(sample).map((token) => token.text)).toEqual(JSON.parse(String(reader.getRows()[0]?.[0])))
    })
    await fc.assert(property, { numRuns: 300 })
    connection.closeSync()
  })

  test('take linear time', () => {
    const started = performance.now()
    expect(tokenize('1'.repeat(200_000))).toHaveLength(1)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

describe('§6 language', () => {
  const stems: [language: string, word: string, lexeme: string][] = [
    ['english', 'running', 'run'],
    ['english', 'happy', 'happi'],
    ['english', 'dying', 'die'],
    ['english', 'generously', 'generous'],
    ['english', 'h2o', 'h2o'],
    ['simple', 'running', 'running'],
    ['german', 'häuser', 'haus'],
    ['french', 'mangeons', 'mangeon'],
    ['spanish', 'corriendo', 'corr'],
    ['italian', 'bellissima', 'bellissim'],
    ['portuguese', 'crianças', 'crianc'],
    ['russian', 'книги', 'книг'],
    ['dutch', 'fietsen', 'fiets'],
    ['swedish', 'bilarna', 'bil'],
    ['finnish', 'taloissa', 'talo'],
    ['turkish', 'kitaplar', 'kitap'],
  ]
  test.each(stems)('%s: %s → %s', async (language, word, lexeme) => {
    expect((await configuration(language)).lexeme(word)).toBe(lexeme)
  })

  test.each(configurationNames)('%s loads, and no word becomes empty', async (language) => {
    const { lexeme } = await configuration(language)
    for (const word of ['a', 'ς', 'ß', 'leri', 'όταν', 'كتاب', 'भयो', 'விட்டு', 'données'])
      expect(lexeme(word)).not.toBe('')
  })

  const names: [given: string, name: string | undefined][] = [
    ['english', 'english'],
    ['English', 'english'],
    ['en', 'english'],
    ['pg_catalog.german', 'german'],
    ['de', 'german'],
    ['klingon', undefined],
    ['', undefined],
    ['constructor', undefined],
  ]
  test.each(names)('name %s is %s', (given, name) => expect(configurationName(given)).toBe(name))

  test('what a head promises holds for every form', async () => {
    const words = [
      'dying',
      'lies',
      'ties',
      'happiness',
      'flies',
      'skies',
      'news',
      'ably',
      'études',
      'naïveté',
      'überführt',
      'ängste',
      'ёлки',
    ]
    for (const name of configurationNames) {
      const { lexeme, head } = await configuration(name)
      for (const word of words) {
        const start = head(lexeme(word))
        const folded = start?.folded ? word.normalize('NFD').replace(/\p{M}/gu, '') : word
        if (start) expect([name, word, folded.startsWith(start.text)]).toEqual([name, word, true])
      }
    }
  })

  test('stop words of English are PostgreSQL’s', () => {
    expect(stopWords('english').size).toBe(127)
    expect(stopWords('simple').size).toBe(0)
  })
})

describe('§6 plain', () => {
  const cases: [text: string, expression: string][] = [
    ['Running the cats', "'run' & 'cat'"],
    ['a & b | !c:*', "'b' & 'c'"],
    ['2011-01-02', "'2011' <-> '01' <-> '02'"],
    ['well-known authors', "'well' <-> 'known' & 'author'"],
    ['up-to-date', "'date'"],
    ['state-of-the-art', "'state' <3> 'art'"],
    ['13.4', "'13.4'"],
    ['2011-01-02T10:30', "'2011' <-> '01' <-> '02t10' <-> '30' | '2011' <-> '01' <-> '02' <-> '10' <-> '30'"],
    ['the', ''],
    [' -- ', ''],
  ]
  test.each(cases)('%s', async (text, expression) => {
    expect(show(parseTextQuery(text, true, await configuration('english')))).toBe(expression)
  })
})

describe('§6 plain=false', () => {
  const cases: [text: string, expression: string][] = [
    ['DE | UK', "'de' | 'uk'"],
    ['20:*', "'20':*"],
    ['cats:*AB & dogs:b', "'cat':* & 'dog'"],
    ['fat & (rat | !cat)', "'fat' & ( 'rat' | !'cat' )"],
    ['a | b & c | d', "( 'b' & 'c' ) | 'd'"],
    ['the & cats', "'cat'"],
    ['!the', ''],
    ['', ''],
    ["'big cats'", "'big' <-> 'cat'"],
    ["'it''s' & x", "'x'"],
    ['big <-> the <-> cats', "'big' <2> 'cat'"],
    ['super <2> stars:*', "'super' <2> 'star':*"],
    ['x\\ y', "'x' <-> 'y'"],
    ['!!cat', "!!'cat'"],
  ]
  test.each(cases)('%s', async (text, expression) => {
    expect(show(parseTextQuery(text, false, await configuration('english')))).toBe(expression)
  })

  const bad = [
    'a b',
    'cat &',
    '| cat',
    '(cat',
    'cat)',
    ':*',
    "'cat",
    '<->',
    'cat !dog',
    'a <0> cat <0> dog',
    '(cat | dog) <-> rat',
    `${'!'.repeat(500)}cat`,
  ]
  test.each(bad)('bad syntax: %s', async (text) => {
    const english = await configuration('english')
    expect(() => parseTextQuery(text, false, english)).toThrow(TextQuerySyntaxError)
  })

  test('too many words', async () => {
    const simple = await configuration('simple')
    const words = Array.from({ length: 201 }, (_, index) => `w${index}`)
    expect(() => parseTextQuery(words.join(' | '), false, simple)).toThrow(TextQuerySyntaxError)
  })

  test('any text is read or refused', async () => {
    const english = await configuration('english')
    const text = fc.array(
      fc.constantFrom('cat', 'the', '&', '|', '!', '(', ')', '<->', ':*', "'", '\\', ' ', ':', '<', '13.4'),
      { maxLength: 12 },
    )
    const property = fc.property(text, (parts) => {
      try {
        parseTextQuery(parts.join(''), false, english)
      } catch (error) {
        expect(error).toBeInstanceOf(TextQuerySyntaxError)
      }
    })
    fc.assert(property, { numRuns: 500 })
  })
})
