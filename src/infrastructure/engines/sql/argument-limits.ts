import { cheapLike, cheapRegexp } from './patterns.ts'

/** An argument of a call, where something is known of it: a constant, or a text cut to a constant length by `left`. */
export type Argument = { readonly constant?: string | number; readonly upTo?: number } | undefined

export interface Limit {
  allows(...args: readonly Argument[]): boolean
  /** What is allowed, to be read after "with other than". */
  rule: string
}

export const small = (value: Argument, most: number): boolean =>
  typeof value?.constant === 'number' && Math.abs(value.constant) <= most
export const short = (value: Argument, most: number): boolean =>
  typeof value?.constant === 'string' && value.constant.length <= most

/** What is searched for: the search takes the product of both lengths, in one step. */
export const needle = (value: Argument): boolean =>
  typeof value?.constant === 'number' || short(value, MAX_NEEDLE) || (value?.upTo ?? Infinity) <= MAX_NEEDLE
const MAX_NEEDLE = 500
export const search: Limit = {
  allows: (_text, part) => needle(part),
  rule: 'a constant text of up to 500 characters to look for, or left(…, 500)',
}

export const series: Limit = {
  allows: (...args) => args.every((arg) => small(arg, 1000)),
  rule: 'constant bounds up to 1000, or a place in FROM',
}
export const padding: Limit = { allows: (_text, length) => small(length, 1000), rule: 'a constant length up to 1000' }
export const format: Limit = {
  allows: (text) => short(text, 1000) && !/\d{4}|\*|\{[^}]*\{/.test(String(text?.constant)),
  rule: 'a constant format of up to 1000 characters with widths under 1000',
}
const otherWays = 'or use starts_with(), ends_with() or contains(a, left(b, 500))'
export const like: Limit = {
  allows: (_text, pattern) => typeof pattern?.constant === 'string' && cheapLike(pattern.constant, true),
  rule: `a constant pattern of up to 500 characters, in which one % at most stands before the end if it has a _; ${otherWays}`,
}
export const otherLike: Limit = {
  allows: (_text, pattern) => typeof pattern?.constant === 'string' && cheapLike(pattern.constant, false),
  rule: `a constant pattern of up to 500 characters, in which one % at most stands before the end; write lower(x) LIKE …, ${otherWays}`,
}
export const regexp: Limit = {
  allows: (_text, pattern) => typeof pattern?.constant === 'string' && cheapRegexp(pattern.constant),
  rule: `a constant pattern of up to 500 characters and few repetitions; ${otherWays}`,
}
