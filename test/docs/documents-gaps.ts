import type { Gaps } from '../suites/contract/describe.ts'

const types = 'the types of its table are more than this engine keeps'

/** Cases of the contract that the engine of docs/writing-an-engine.md can't pass. */
export const gaps: Gaps = {
  '§5.1 equality': types,
  '§5.2 unknown column': types,
  '§6 a word anywhere': 'it has no full-text search',
  '§8.1 the result': types,
  '§8.6 the result': 'it runs no SQL',
  '§9.7 constant LIMIT: limit, offset, total, _links': 'it runs no SQL',
  '§9.2 schema in, schema out': types,
  '§9.2 constraints: integer {"required":true} takes [0]': 'it checks no constraints, and so takes none',
}
