import type { FunctionList } from '../../sql/function-list.ts'
import { encodeName } from '../names.ts'
import { checkCall, checkLike } from './calls-allowed.ts'
import { canBeCalled } from './operands.ts'
import { fold, invalid, isSign, isWord, notAuthorized, pairs, type Token } from './tokens.ts'
import { calledAlone, checkWord, clauseWords } from './words.ts'

/** A name in FROM: where it stands, and whether an alias follows it. */
export interface TableReference {
  index: number
  name: string
  isCte: boolean
  hasAlias: boolean
}

export interface Call {
  /** Lower case, with its path: `sum`, `net.host`; without `safe.`. */
  name: string
  /** As it stands there. */
  written: string
  /** Of the name. */
  index: number
  /** What stands between its brackets. */
  inside: readonly Token[]
  end: number
}

export interface Scanned {
  tables: TableReference[]
  calls: Call[]
}

/** What is open at a place of the statement: the whole, or a bracket. */
interface Frame {
  isQuery: boolean
  /** In FROM: names after a comma or JOIN are tables. */
  inFrom: boolean
  expectsTable: boolean
  /** The bracket of a table: of a query in FROM, or of UNNEST. */
  isItem: boolean
  /** The bracket of `EXTRACT(x FROM y)` and the like. */
  hasOwnFrom: boolean
  ctes: Set<string>
  cte?: { step: 'name' | 'body' | 'after'; isRecursive: boolean; name: string }
  stars: { alone: number; qualified: number }
  relations: number
}

const MAX_JOINS = 24
const MAX_STARS = 64
const MAX_QUERIES = 12
const MAX_WHOLE_ROWS = 48

/**
 * Goes through the words of a statement, by no grammar but that of brackets and FROM: every name before a `(` is a call,
 * and every name after FROM, JOIN or a comma there is a table unless a common table expression certainly has it.
 *
 * @param tokens as BigQuery reads them
 * @throws {NotAuthorized} 403 functions that are not on the list, system tables, qualified names, table functions
 * @throws {ValidationError} 409 what is too large, or can't be told
 */
export function scan(tokens: readonly Token[], allowed: FunctionList): Scanned {
  const found: Scanned = { tables: [], calls: [] }
  const pair = pairs(tokens)
  const stack: Frame[] = [newFrame({ isQuery: false })]
  const relations = new Set<string>()
  const alone = new Map<string, number>()
  const unnested = new Set<number>()
  let joins = 0
  let starred = 1
  const top = () => stack.at(-1) as Frame
  const isVisible = (name: string) => stack.some(({ ctes }) => ctes.has(name))
  const endSelect = (frame: Frame) => {
    starred *= Math.max(1, frame.stars.alone * Math.max(1, frame.relations) + frame.stars.qualified)
    if (starred > MAX_STARS) throw invalid('Query makes too many columns: name them instead of *.')
    Object.assign(frame, { stars: { alone: 0, qualified: 0 }, relations: 0 })
  }

  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token
    const [before, next] = [tokens[at - 1], tokens[at + 1]]
    const frame = top()

    if (
      frame.cte?.step === 'name' &&
      (token.kind === 'name' || (token.kind === 'word' && !isWord(token, 'recursive')))
    ) {
      if (isSign(next, '('))
        throw invalid(
          '(NotSupported) column lists of common table expressions are not supported; name the columns inside.',
        )
      if (!isWord(next, 'as') || !isSign(tokens[at + 2], '(')) throw invalid("Query has a WITH that can't be read.")
      const name = fold(token.text)
      relations.add(name)
      Object.assign(frame.cte, { step: 'body', name })
      at += 1
      continue
    }
    if (frame.expectsTable && token.kind !== 'sign' && !isWord(token, 'select', 'with', 'unnest')) {
      const reference = readTable(tokens, at)
      frame.expectsTable = false
      frame.relations += 1
      const isCte = isVisible(fold(reference.name))
      if (!isCte) checkTableName(reference.name)
      found.tables.push({ ...reference, isCte })
      relations.add(fold(reference.name))
      at = noteAlias(tokens, at, relations)
      continue
    }

    if (isSign(token, '(', '[')) {
      const isTable = frame.expectsTable && isSign(token, '(')
      const isItem = isTable || unnested.has(at - 1)
      if (isTable) frame.relations += 1
      frame.expectsTable = false
      const hasOwnFrom = isWord(before, 'extract', 'trim', 'substring')
      stack.push(
        newFrame({ inFrom: isTable, expectsTable: isTable && !isWord(next, 'select', 'with'), isItem, hasOwnFrom }),
      )
      continue
    }
    if (isSign(token, ')', ']')) {
      if (frame.expectsTable) throw invalid('Query has a FROM without a table.')
      endSelect(frame)
      stack.pop()
      const outer = stack.at(-1)
      if (!outer) throw invalid('Query has a bracket too many.')
      if (outer.cte?.step === 'body') {
        outer.ctes.add(outer.cte.name)
        outer.cte.step = 'after'
      } else if (frame.isItem) at = noteAlias(tokens, at, relations)
      continue
    }
    if (isSign(token, ',')) {
      if (frame.cte?.step === 'after') frame.cte.step = 'name'
      else if (frame.inFrom) {
        frame.expectsTable = true
        joins += 1
      }
      continue
    }
    if (isSign(token, '*') && frame.isQuery && !frame.inFrom) {
      if (isSign(before, '.')) frame.stars.qualified += 1
      else if (isSign(before, ',') || isWord(before, 'select', 'distinct', 'all')) frame.stars.alone += 1
    }
    if (frame.expectsTable && !isWord(token, 'select', 'with', 'unnest'))
      throw invalid("Query has a FROM that can't be read.")

    if (token.kind === 'word' && !isSign(before, '.')) {
      checkWord(token, next)
      if (isWord(token, 'select')) {
        if (frame.isQuery) endSelect(frame)
        Object.assign(frame, { isQuery: true, inFrom: false, expectsTable: false })
        delete frame.cte
        if (stack.filter(({ isQuery }) => isQuery).length > MAX_QUERIES)
          throw invalid('Query has subqueries nested too deeply.')
      } else if (isWord(token, 'with') && !isWord(next, 'offset')) {
        if (at > 0 && !isSign(before, '(')) throw invalid("Query has a WITH that can't be read.")
        frame.cte = { step: 'name', isRecursive: isWord(next, 'recursive'), name: '' }
        frame.isQuery = true
      } else if (isWord(token, 'from') && !isComparison(tokens, at) && !(frame.hasOwnFrom && !frame.isQuery)) {
        if (!frame.isQuery) throw invalid('Query has a FROM without SELECT.')
        Object.assign(frame, { inFrom: true, expectsTable: true })
      } else if (isWord(token, 'join')) {
        if (!frame.inFrom) throw invalid('Query has a JOIN without FROM.')
        frame.expectsTable = true
        joins += 1
      } else if (isWord(token, 'unnest') && frame.expectsTable) {
        frame.expectsTable = false
        frame.relations += 1
        unnested.add(at)
        if (!isSign(next, '(')) throw invalid("Query has an UNNEST that can't be read.")
      } else if (isWord(token, 'unnest') && !isWord(before, 'in')) {
        throw invalid('(NotSupported) UNNEST stands in FROM, or after IN.')
      } else if (isWord(token, ...clauseWords)) {
        frame.inFrom = false
        // Before its UNION a recursive expression does not see itself.
        const outer = stack.at(-2)?.cte
        if (isWord(token, 'union') && outer?.step === 'body' && outer.isRecursive) stack.at(-2)?.ctes.add(outer.name)
      }
    }

    if (token.kind === 'word' || token.kind === 'name') {
      const call = isSign(next, '(') && canBeCalled(token) ? readCall(tokens, at, pair) : undefined
      if (call) {
        checkCall(call, tokens, allowed)
        found.calls.push(call)
      } else if (!isSign(before, '.') && !isSign(next, '.')) {
        calledAlone(token, allowed)
        alone.set(fold(token.text), (alone.get(fold(token.text)) ?? 0) + 1)
      }
    }
    if (isWord(token, 'like')) checkLike(tokens, at)
    const isBeside =
      token.kind === 'string' && (isSign(before, ')', ']') || /^(?:string|name|number)$/.test(before?.kind ?? ''))
    if (isBeside) throw invalid('Query has a string in the place of a name or an operator.')
  }

  if (top().expectsTable || stack.length > 1) throw invalid('Query ends too early.')
  endSelect(top())
  if (joins > MAX_JOINS) throw invalid(`Query joins too many tables: at most ${MAX_JOINS + 1}.`)
  const wholeRows = [...alone].reduce((sum, [name, times]) => sum + (relations.has(name) ? times : 0), 0)
  if (wholeRows > MAX_WHOLE_ROWS) throw invalid('Query makes too many rows into values.')
  return found
}

function newFrame(given: Partial<Frame>): Frame {
  const flags = { isItem: false, isQuery: false, inFrom: false, expectsTable: false, hasOwnFrom: false, relations: 0 }
  return { ...flags, ctes: new Set(), stars: { alone: 0, qualified: 0 }, ...given }
}

function readTable(tokens: readonly Token[], at: number): Omit<TableReference, 'isCte'> {
  const token = tokens[at] as Token
  if (token.kind === 'string') throw notAuthorized('read files')
  if (token.kind === 'number') throw invalid("Query has a FROM that can't be read.")
  const path = [token.text]
  let end = at
  for (; isSign(tokens[end + 1], '.') && tokens[end + 2]; end += 2) path.push((tokens[end + 2] as Token).text)
  if (isSign(tokens[end + 1], '(')) throw notAuthorized(`call function ${fold(path.join('.'))}`)
  if (path.some((part) => systemName.test(fold(part)))) throw notAuthorized('access system tables')
  if (path.length > 1) throw notAuthorized('use qualified table names: name the resource alone')
  return { index: at, name: token.text, hasAlias: aliasAt(tokens, at) !== undefined }
}

const systemName = /^(?:_|pg_|duckdb_|sqlite_|pragma_|information_schema)/

/** What no resource is called, but files, wildcards, decorators and paths are. */
function checkTableName(name: string): void {
  if (systemName.test(fold(name))) throw notAuthorized('access system tables')
  if (encodeName(name) !== name) throw notAuthorized('use paths, wildcards or decorators: name the resource alone')
}

/** The index of the alias that follows what ends at `at`. */
function aliasAt(tokens: readonly Token[], at: number): number | undefined {
  const index = isWord(tokens[at + 1], 'as') ? at + 2 : at + 1
  const token = tokens[index]
  if (token?.kind === 'name') return index
  return token?.kind === 'word' && !isWord(token, ...clauseWords, ...joinWords) ? index : undefined
}

const joinWords = ['join', 'left', 'right', 'inner', 'full', 'cross', 'on', 'using', 'with', 'as', 'outer']

function noteAlias(tokens: readonly Token[], at: number, relations: Set<string>): number {
  const alias = aliasAt(tokens, at)
  if (alias === undefined) return at
  if (isSign(tokens[alias + 1], '('))
    throw invalid('(NotSupported) column lists of aliases are not supported; name the columns inside.')
  relations.add(fold((tokens[alias] as Token).text))
  return alias
}

const isComparison = (tokens: readonly Token[], at: number): boolean =>
  isWord(tokens[at - 1], 'distinct') && isWord(tokens[at - 2], 'is', 'not')

function readCall(tokens: readonly Token[], at: number, pair: ReadonlyMap<number, number>): Call {
  const path = [(tokens[at] as Token).text]
  for (let start = at; isSign(tokens[start - 1], '.') && start >= 2; start -= 2)
    path.unshift((tokens[start - 2] as Token).text)
  const isSafe = path.length > 1 && fold(path[0] as string) === 'safe'
  const written = (isSafe ? path.slice(1) : path).join('.')
  const end = pair.get(at + 1) as number
  return { name: fold(written), written, index: at, inside: tokens.slice(at + 2, end), end }
}
