import { canBeCalled, listItems } from './operands.ts'
import { fold, invalid, isSign, isWord, pairs, sign, type Token, word } from './tokens.ts'

type Arguments = readonly (readonly Token[])[]

const joined = (items: Arguments): Token[] =>
  items.flatMap((item, index) => (index === 0 ? [...item] : [sign(','), ...item]))
const string = (text: string): Token => ({ kind: 'string', text })
const call = (name: string, ...items: Arguments): Token[] => [word(name), sign('('), ...joined(items), sign(')')]

const renamed =
  (name: string) =>
  (...items: Arguments) =>
    call(name, ...items)

/** The part of a date that a string names: `'month'` → `MONTH`. */
function part(item: readonly Token[] | undefined): Token[] | undefined {
  const [only, ...rest] = item ?? []
  const known =
    /^(?:microsecond|millisecond|second|minute|hour|day|dayofweek|dayofyear|week|isoweek|month|quarter|year|isoyear)s?$/i
  if (only?.kind !== 'string' || rest.length > 0 || !known.test(only.text)) return undefined
  return [word(only.text.replace(/s$/i, '').toUpperCase())]
}

/** Functions that PostgreSQL calls otherwise. Undefined: the call is BigQuery's own. */
const translations: Readonly<Record<string, (...items: Arguments) => Token[] | undefined>> = {
  now: renamed('CURRENT_TIMESTAMP'),
  bool_and: renamed('LOGICAL_AND'),
  every: renamed('LOGICAL_AND'),
  bool_or: renamed('LOGICAL_OR'),
  regexp_matches: (...items) => (items.length === 2 ? call('REGEXP_CONTAINS', ...items) : undefined),
  regexp_replace: (text, pattern, to, flags) =>
    flags?.length === 1 && flags[0]?.kind === 'string' && flags[0].text === 'g'
      ? call('REGEXP_REPLACE', text ?? [], pattern ?? [], to ?? [])
      : undefined,
  string_to_array: renamed('SPLIT'),
  contains: (text, part) =>
    text && part
      ? [sign('('), ...call('STRPOS', text, part), sign('>'), { kind: 'number', text: '0' }, sign(')')]
      : undefined,
  to_timestamp: renamed('TIMESTAMP_SECONDS'),
  make_date: renamed('DATE'),
  random: renamed('RAND'),
  pi: () => call('ACOS', [sign('-'), { kind: 'number', text: '1' }]),
  log: (...items) => (items.length === 1 ? call('LOG10', ...items) : undefined),
  md5: (...items) => call('TO_HEX', call('MD5', ...items)),
  array_length: (list, dimension) => (dimension ? call('ARRAY_LENGTH', list ?? []) : undefined),
  radians: (value) =>
    value && [
      sign('('),
      sign('('),
      ...value,
      sign(')'),
      sign('*'),
      ...call('ACOS', [sign('-'), { kind: 'number', text: '1' }]),
      sign('/'),
      { kind: 'number', text: '180' },
      sign(')'),
    ],
  date_trunc: (unit, value) => (part(unit) && value ? call('DATE_TRUNC', value, part(unit) as Token[]) : undefined),
  date_part: (unit, value) =>
    part(unit) && value ? call('EXTRACT', [...(part(unit) as Token[]), word('FROM'), ...value]) : undefined,
  date_diff: (unit, from, to) =>
    part(unit) && from && to ? call('DATE_DIFF', to, from, part(unit) as Token[]) : undefined,
  split_part: (text, by, index) =>
    text && by && index
      ? call('IFNULL', [...call('SPLIT', text, by), sign('['), ...call('SAFE_ORDINAL', index), sign(']')], [string('')])
      : undefined,
  concat_ws: (separator, ...items) => {
    const texts = items.map((item) => call('CAST', [...item, word('AS'), word('STRING')]))
    return call('ARRAY_TO_STRING', [sign('['), ...joined(texts), sign(']')], separator ?? [])
  },
  json_extract_string: renamed('JSON_VALUE'),
  json_array_length: (list) => list && call('ARRAY_LENGTH', call('JSON_QUERY_ARRAY', list)),
  dayname: (value) => value && call('FORMAT_DATE', [string('%A')], value),
  monthname: (value) => value && call('FORMAT_DATE', [string('%B')], value),
  ...Object.fromEntries(
    ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second'].map((unit) => [
      unit,
      (value?: readonly Token[]) => value && call('EXTRACT', [word(unit.toUpperCase()), word('FROM'), ...value]),
    ]),
  ),
  trim: (item, chars) => {
    const from = item?.findIndex((token) => isWord(token, 'from')) ?? -1
    if (!item || from === -1 || chars) return undefined
    const side = isWord(item[0], 'leading') ? 'LTRIM' : isWord(item[0], 'trailing') ? 'RTRIM' : 'TRIM'
    const removed = item.slice(isWord(item[0], 'both', 'leading', 'trailing') ? 1 : 0, from)
    return call(side, item.slice(from + 1), ...(removed.length > 0 ? [removed] : []))
  },
  position: (item) => {
    const at = item?.findIndex((token) => isWord(token, 'in')) ?? -1
    return item && at > 0 ? call('STRPOS', item.slice(at + 1), item.slice(0, at)) : undefined
  },
}

/** Calls by the names and with the arguments of BigQuery; `f(x) FILTER (WHERE c)` as `f(IF(c, x, NULL))`. */
export function withGoogleCalls(tokens: readonly Token[]): Token[] {
  const pair = pairs(tokens)
  const written: Token[] = []
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token
    const end = isSign(tokens[at + 1], '(') && canBeCalled(token) ? pair.get(at + 1) : undefined
    if (end === undefined) {
      written.push(token)
      continue
    }
    const items = listItems(tokens.slice(at + 2, end)).map(withGoogleCalls)
    const isPlain = token.kind === 'word' && !isSign(tokens[at - 1], '.')
    const translate =
      isPlain && Object.hasOwn(translations, fold(token.text)) ? translations[fold(token.text)] : undefined
    const condition = isWord(tokens[end + 1], 'filter') && isSign(tokens[end + 2], '(') ? end + 2 : undefined
    if (condition === undefined) {
      written.push(...(translate?.(...items) ?? [token, sign('('), ...joined(items), sign(')')]))
      at = end
      continue
    }
    const close = pair.get(condition) as number
    if (!isWord(tokens[condition + 1], 'where')) throw invalid('Query has a FILTER without WHERE.')
    const kept = filtered(token, items, withGoogleCalls(tokens.slice(condition + 2, close)))
    written.push(...(translate?.(...kept.items) ?? [kept.name, sign('('), ...joined(kept.items), sign(')')]))
    at = close
  }
  return written
}

function filtered(name: Token, items: Arguments, condition: readonly Token[]): { name: Token; items: Arguments } {
  const [first = [], ...rest] = items
  if (isWord(name, 'count') && isSign(first[0], '*')) return { name: word('COUNTIF'), items: [condition] }
  const distinct = isWord(first[0], 'distinct') ? first.slice(0, 1) : []
  const order = first.findIndex((token) => isWord(token, 'order'))
  const value = first.slice(distinct.length, order === -1 ? undefined : order)
  const kept = call('IF', condition, value, [word('NULL')])
  return { name, items: [[...distinct, ...kept, ...(order === -1 ? [] : first.slice(order))], ...rest] }
}
