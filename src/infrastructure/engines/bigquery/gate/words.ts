import { allows, type FunctionList } from '../../sql/function-list.ts'
import { fold, isSign, notAuthorized, type Token } from './tokens.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Reserved words of GoogleSQL that no query needs. */
const refused = words(
  `assert_rows_modified at collate contains create default define enum escape exclude fetch for groups hash into lateral
  lookup merge natural new no of proto qualify set tablesample to treat within`,
)

/** Words that begin what no query needs, though they are not reserved: names of columns, unless something follows. */
const clausesOfOthers = words('tablesample pivot unpivot match_recognize options system_time materialized')

/** Words that end FROM. */
export const clauseWords = [
  'where',
  'group',
  'having',
  'order',
  'limit',
  'window',
  'qualify',
  'union',
  'intersect',
  'except',
] as const

export function checkWord(token: Token, next: Token | undefined): void {
  const name = fold(token.text)
  if (refused.has(name))
    throw notAuthorized(`use ${name.toUpperCase()} in SQL; a column of this name is written "${name}"`)
  if (clausesOfOthers.has(name) && (isSign(next, '(') || next?.kind === 'word'))
    throw notAuthorized(`use ${name.toUpperCase()} in SQL`)
}

const clocks = words('current_date current_datetime current_time current_timestamp')
const identities = words(
  `current_catalog current_database current_role current_schema current_user session_user localtime localtimestamp`,
)

/** Names that are a call without brackets here, or in PostgreSQL. */
export function calledAlone({ kind, text }: Token, allowed: FunctionList): void {
  const name = fold(text)
  const isClock = kind === 'word' && clocks.has(name)
  if (identities.has(name) || (isClock && !allows(allowed, name, text))) throw notAuthorized(`call function ${name}`)
}
