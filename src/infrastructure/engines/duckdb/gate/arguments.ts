import type { Argument, Limit } from '../../sql/argument-limits.ts'
import {
  format,
  like,
  needle,
  otherLike,
  padding,
  regexp,
  search,
  series,
  short,
  small,
} from '../../sql/argument-limits.ts'

const structure: Limit = {
  allows: (_json, form) => short(form, 1000),
  rule: 'a constant structure of up to 1000 characters',
}

/**
 * What a function may be called with, where that decides what one call costs. A text or a list of any length is made in
 * one step, in which DuckDB looks neither at its memory limit nor for an interrupt; a pattern that tries every way
 * never ends. Not meant for FROM, where series are made row by row.
 */
export const argumentLimits: Readonly<Record<string, Limit>> = {
  repeat: {
    allows: (text, times) => small(times, 1000) && short(text, 10),
    rule: 'a constant text of up to 10 characters and a constant number up to 1000',
  },
  lpad: padding,
  rpad: padding,
  printf: format,
  format,
  range: series,
  generate_series: series,
  replace: {
    allows: (_text, from, to) => needle(from) && short(to, 100),
    rule: `${search.rule}, and a constant replacement of up to 100 characters`,
  },
  regexp_replace: {
    allows: (text, pattern, to) => regexp.allows(text, pattern) && short(to, 100),
    rule: `${regexp.rule}, and a constant replacement of up to 100 characters`,
  },
  concat_ws: { allows: (separator) => short(separator, 100), rule: 'a constant separator of up to 100 characters' },
  array_to_string: {
    allows: (_list, separator) => short(separator, 100),
    rule: 'a constant separator of up to 100 characters',
  },
  // They recurse over it: a deep one ends the process.
  json_transform: structure,
  json_transform_strict: structure,
  from_json: structure,
  from_json_strict: structure,
  ...Object.fromEntries(
    [
      'contains',
      'position',
      'strpos',
      'instr',
      'split',
      'split_part',
      'str_split',
      'string_split',
      'string_to_array',
    ].map((name) => [name, search]),
  ),
  '~~': like,
  '!~~': like,
  '~~*': otherLike,
  '!~~*': otherLike,
  like_escape: otherLike,
  not_like_escape: otherLike,
  ilike_escape: otherLike,
  not_ilike_escape: otherLike,
  '~': regexp,
  '!~': regexp,
  '~*': regexp,
  '!~*': regexp,
  regexp_matches: regexp,
  regexp_full_match: regexp,
  regexp_extract: regexp,
  regexp_extract_all: regexp,
  regexp_split_to_array: regexp,
  regexp_split_to_table: regexp,
  string_split_regex: regexp,
  str_split_regex: regexp,
}

/** How a limited operator is called by people. */
export const operatorNames: Readonly<Record<string, string>> = {
  '~~': 'LIKE',
  '!~~': 'NOT LIKE',
  '~~*': 'ILIKE',
  '!~~*': 'NOT ILIKE',
  like_escape: 'LIKE … ESCAPE',
  not_like_escape: 'NOT LIKE … ESCAPE',
  ilike_escape: 'ILIKE … ESCAPE',
  not_ilike_escape: 'NOT ILIKE … ESCAPE',
}

/** How many times longer all calls of one statement together may make a text. */
export const MAX_GROWTH = 100

const lengthOf = (value: Argument): number => (typeof value?.constant === 'string' ? value.constant.length : 0)
const fields = (text: Argument): number => (String(text?.constant).match(/[{%]/g) ?? []).length

/**
 * How many times longer than its argument a call's result can be: calls inside each other multiply. What joins texts
 * is not here: it grows with the statement's own length.
 */
export const growth: Readonly<Record<string, (...args: readonly Argument[]) => number>> = {
  replace: (_text, from, to) => Math.ceil(lengthOf(to) / Math.max(1, lengthOf(from))),
  array_to_string: (_list, separator) => Math.ceil(lengthOf(separator) / 2),
  regexp_replace: (_text, _pattern, to) => Math.ceil(lengthOf(to) / 2),
  format: fields,
  printf: fields,
  hex: () => 2,
  to_hex: () => 2,
  bin: () => 8,
  to_binary: () => 8,
  base64: () => 2,
  to_base64: () => 2,
  url_encode: () => 3,
  regexp_escape: () => 2,
  json_quote: () => 2,
  nfc_normalize: () => 2,
}
