// biome-ignore-all format: one case a line
import type { Call, ContractCase } from './case.ts'
import { table } from './case.ts'

const texts = table('t text, u text, n numeric, d date, j json', [
  { t: 'Running dogs bark', u: 'Germany DE', n: 13.4, d: '2020-05-06', j: { note: 'walnut' } },
  { t: 'A dog runs after the dog', u: 'Kingdom UK', n: 4, d: '2021-05-06', j: null },
  { t: 'cats sleep', u: 'France FR', n: 20.5, d: null, j: ['hazel'] },
])

const found = (params: object): Call => ['search', { ...params, fields: '_id', sort: '_id' }]
const ids = (...list: number[]) => ({ records: list.map((id) => ({ _id: id })), result: { total: list.length } })

const queries: readonly (readonly [name: string, params: object, ids: number[]])[] = [
  ['a word anywhere', { q: 'bark' }, [1]],
  ['all words', { q: 'dog runs' }, [1, 2]],
  ['words of several columns', { q: 'bark germany' }, [1]],
  ['words that no row has all of', { q: 'bark kingdom' }, []],
  ['English stemming', { q: 'running' }, [1, 2]],
  ['in any case', { q: 'CATS' }, [3]],
  ['stop words are no condition', { q: 'the cats' }, [3]],
  ['object: one column', { q: { u: 'uk' } }, [2]],
  ['object: not in another column', { q: { t: 'uk' } }, []],
  ['object: every column', { q: { t: 'dog', u: 'germany' } }, [1]],
  ['a text that is an object', { q: '{"u": "uk"}' }, [2]],
  ['full_text', { full_text: 'bark' }, [1]],
  ['full_text with a q object', { full_text: 'dog', q: { u: 'uk' } }, [2]],
  ['full_text hides a q text', { full_text: 'dog', q: 'cats' }, [1, 2]],
  ['empty q', { q: '' }, [1, 2, 3]],
  ['plain: operators are words', { q: 'DE | UK' }, []],
  ['plain=false: |', { q: 'DE | UK', plain: false }, [1, 2]],
  ['plain=false: &', { q: 'dog & uk', plain: false }, [2]],
  ['plain=false: !', { q: '!dog', plain: false }, [3]],
  ['plain=false: :*', { q: 'germ:*', plain: false }, [1]],
  ['plain=false: parentheses', { q: '(de | fr) & !cats', plain: false }, [1]],
  ['plain=false in an object', { q: { u: 'ger:*' }, plain: false }, [1]],
  ['numbers', { q: '20.5' }, [3]],
  ['a decimal is one token', { q: '4' }, [2]],
  ['a decimal as a whole', { q: '13.4' }, [1]],
  ['a prefix of a decimal', { q: { n: '20:*' }, plain: false }, [3]],
  ['dates', { q: '2020-05-06' }, [1]],
  ['json contents', { q: 'walnut' }, [1]],
  ['json lists', { q: 'hazel' }, [3]],
  ['language simple: no stemming', { q: 'running', language: 'simple' }, [1]],
  ['with a filter', { q: 'dog', filters: { n: 4 } }, [2]],
]

/** Contract §6: full text. */
export const fullText: readonly ContractCase[] = [
  ...queries.map(([name, params, list], index): ContractCase => ({ name: `§6 ${name}`, setup: [texts], call: found(params), ...ids(...list), ...(index === 0 && { smoke: true }) })),
  { name: '§6 rank comes last, as float', setup: [texts], call: ['search', { q: 'cats' }], result: { fields: [{ id: '_id' }, { id: 't' }, { id: 'u' }, { id: 'n' }, { id: 'd' }, { id: 'j' }, { id: 'rank', type: 'float' }], records: [{ _id: 3, rank: (rank: number) => rank > 0 && rank < 1 }] } },
  { name: '§6 a rank for each column', setup: [texts], call: ['search', { q: { t: 'dog', u: 'uk' } }], result: { records: [{ 'rank t': (rank: number) => rank > 0, 'rank u': (rank: number) => rank > 0 }] } },
  { name: '§6 full_text and a q object: both ranks', setup: [texts], call: ['search', { full_text: 'dog', q: { u: 'uk' } }], result: { records: [{ rank: (rank: number) => rank > 0, 'rank u': (rank: number) => rank > 0 }] } },
  { name: '§6 with fields, ranks only if named', setup: [texts], call: ['search', { q: 'cats', fields: 't' }], records: [{ t: 'cats sleep' }], fields: [{ id: 't', type: 'text' }] },
  { name: '§6 a rank named in fields', setup: [texts], call: ['search', { q: { t: 'cats' }, fields: 't,rank t' }], fields: [{ id: 't', type: 'text' }, { id: 'rank t', type: 'float' }] },
  { name: '§6 fields with full_text', setup: [texts], call: ['search', { full_text: 'cats', fields: 't' }], records: [{ t: 'cats sleep' }] },
  { name: '§6 the best match first', setup: [texts], call: ['search', { q: { t: 'dog' }, fields: '_id' }], records: [{ _id: 2 }, { _id: 1 }] },
  { name: '§6 sort rather than rank', setup: [texts], call: ['search', { q: 'dog', fields: '_id', sort: '_id' }], records: [{ _id: 1 }, { _id: 2 }] },
  { name: '§6 sort by rank is refused', setup: [texts], call: ['search', { q: 'dog', sort: 'rank' }], error: { sort: ['invalid value "rank"'] } },
  { name: '§6 an unknown column', setup: [texts], call: ['search', { q: { zz: 'x' } }], error: { q: ['invalid value "zz"'] } },
  { name: '§6 a value that is no text', setup: [texts], call: ['search', { q: { t: 7 } }], error: { q: ['invalid value "t"'] } },
  { name: '§6 a broken tsquery', setup: [texts], call: ['search', { q: 'a & | b', plain: false }], error: { query: ['Invalid query'] } },
  { name: '§6 an unknown language', setup: [texts], call: ['search', { q: 'a', language: 'klingon' }], error: { query: ['Invalid query'] } },
  { name: '§6 german stemming', setup: [table('t text', [{ t: 'Die Häuser am See' }])], call: found({ q: 'See', language: 'german' }), ...ids(1) },
  { name: '§6 an answer is as fresh as the data', setup: [texts, ['search', { q: 'cats' }], ['upsert', { method: 'update', records: [{ _id: 3, t: 'horses' }] }]], call: found({ q: 'cats' }), ...ids(), then: [[found({ q: 'horse' }), ids(3)], [['delete', { filters: { _id: 3 } }], {}], [found({ q: 'horse' }), ids()]] },
  { name: '§6 a word of more than 64 letters, in data and query', setup: [table('t text', [{ t: `${'running'.repeat(10)} oak` }, { t: 'elm' }])], call: found({ q: 'running'.repeat(10) }), ...ids(1), then: [[found({ q: 'oak' }), ids(1)], [found({ q: 'runn'.repeat(20) }), ids()], [found({ q: `${'running'.repeat(9)}:*`, plain: false }), ids(1)]] },
  { name: '§6 a column of the user named rank', setup: [table('t text, rank int', [{ t: 'oak', rank: 7 }, { t: 'oak oak', rank: 3 }])], call: ['search', { q: 'oak' }], records: [{ _id: 2, t: 'oak oak', rank: 3 }, { _id: 1, t: 'oak', rank: 7 }], fields: [{ id: '_id', type: 'int' }, { id: 't', type: 'text' }, { id: 'rank', type: 'int4' }], then: [[['search', { q: 'oak', sort: 'rank desc', fields: 'rank' }], { records: [{ rank: 7 }, { rank: 3 }] }]] },
  { name: '§6 words in an order, where there are no columns', setup: [['create', { records: [{}] }]], call: ['search', { q: 'oak <-> tree', plain: false }], records: [], result: { total: 0 } },
  { name: '§6 in a dump', setup: [texts], call: 'GET /datastore/dump/$id?q=cats&fields=_id', text: '_id\r\n3\n' },
  { name: '§6 distinct with q', setup: [table('t text', [{ t: 'oak' }, { t: 'oak' }, { t: 'elm' }])], call: ['search', { q: 'oak', distinct: true, fields: 't' }], records: [{ t: 'oak' }], result: { total: 1 } },
  { name: '§6 csv with q', setup: [texts], call: ['search', { q: 'cats', records_format: 'csv', fields: '_id' }], records: '3\n' },
  { name: '§6 echo of q, plain, language, full_text', setup: [texts], call: ['search', { q: { t: 'dog' }, full_text: 'dog', plain: true, language: 'english' }], result: { q: { t: 'dog' }, full_text: 'dog', plain: true, language: 'english' } },
]
