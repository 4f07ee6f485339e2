import { type Argument, like, otherLike } from '../../sql/argument-limits.ts'
import { allows, type FunctionList } from '../../sql/function-list.ts'
import { argumentLimits, growth, instead, notOverWindows, syntax } from './functions.ts'
import { listItems } from './operands.ts'
import type { Call } from './scan.ts'
import { isSign, isWord, notAuthorized, type Token } from './tokens.ts'

/** @throws {NotAuthorized} 403 a call that the list does not hold, or whose arguments can make it costly */
export function checkCall({ name, written, inside, end }: Call, tokens: readonly Token[], allowed: FunctionList): void {
  if (!syntax.has(name) && !allows(allowed, name, written)) {
    const hint = Object.hasOwn(instead, name) ? `: write ${instead[name]}` : ''
    throw notAuthorized(`call function ${name}${hint}`)
  }
  if (notOverWindows.has(name) && isWord(tokens[end + 1], 'over'))
    throw notAuthorized(`call function ${name} as a window function`)
  const limit = Object.hasOwn(argumentLimits, name) ? argumentLimits[name] : undefined
  if (limit && !limit.allows(...argumentsOf(inside)))
    throw notAuthorized(`call function ${name} with other than ${limit.rule}`)
}

/** How many times longer a call can make its argument. */
export function growthOf({ name, inside }: Call): number {
  return Math.max(1, Object.hasOwn(growth, name) ? (growth[name]?.(...argumentsOf(inside)) ?? 1) : 1)
}

function argumentsOf(inside: readonly Token[]): Argument[] {
  return listItems(inside).map(argumentOf)
}

function argumentOf(item: readonly Token[]): Argument {
  const [first, second] = item
  if (item.length === 1 && first?.kind === 'string') return { constant: first.text }
  if (item.length === 1 && first?.kind === 'number') return { constant: Number(first.text) }
  if (item.length === 2 && isSign(first, '-') && second?.kind === 'number') return { constant: -Number(second.text) }
  if (isWord(first, 'left') && isSign(second, '(')) {
    const length = listItems(item.slice(2, -1)).map(argumentOf)[1]?.constant
    return typeof length === 'number' && length >= 0 ? { upTo: length } : undefined
  }
  return undefined
}

/** @throws {NotAuthorized} 403 a pattern that is not constant, or tries too many ways */
export function checkLike(tokens: readonly Token[], at: number): void {
  const isLower = isWord(tokens[at + 1], 'lower') && isSign(tokens[at + 2], '(') && isSign(tokens[at + 4], ')')
  const after = tokens[isLower ? at + 5 : at + 2]
  const pattern = isSign(after, '||')
    ? undefined
    : argumentOf(tokens.slice(isLower ? at + 3 : at + 1, isLower ? at + 4 : at + 2))
  const limit = isLower ? otherLike : like
  if (!limit.allows(undefined, pattern))
    throw notAuthorized(`call ${isLower ? 'ILIKE' : 'LIKE'} with other than ${limit.rule}`)
}
