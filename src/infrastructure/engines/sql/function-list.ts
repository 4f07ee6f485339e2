import { ConfigurationError } from '../../../core/errors.ts'

/** Which functions SQL may call. */
export interface FunctionList {
  /** Lower-case names, allowed in any case. */
  readonly names: ReadonlySet<string>
  /** Names allowed only when written exactly like this (contract §8.6 step 6). */
  readonly exact: ReadonlySet<string>
}

/** @param written the name as the statement spells it */
export function allows({ names, exact }: FunctionList, name: string, written: string): boolean {
  return names.has(name) || exact.has(written)
}

/**
 * Reads a list of functions: one name a line, `#` starts a comment, a name in double quotes is allowed only in exactly
 * that case.
 *
 * @param known lower-case names of all functions of the engine
 * @throws {ConfigurationError} one line for each name that the engine does not know
 */
export function readFunctionList(text: string, known: ReadonlySet<string>): FunctionList {
  const list = { names: new Set<string>(), exact: new Set<string>() }
  const mistakes: string[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const entry = line.replace(/#.*/, '').trim()
    const quoted = /^"(.*)"$/.exec(entry)?.[1]
    const name = (quoted ?? entry).toLowerCase()
    if (entry === '') continue
    if (!known.has(name)) {
      mistakes.push(`SQL_FUNCTIONS_ALLOW_FILE, line ${index + 1}: ${entry} is no function of this engine`)
    } else if (quoted === undefined) list.names.add(name)
    else list.exact.add(quoted)
  }
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
  return list
}
