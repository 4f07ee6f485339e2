// biome-ignore-all format: one case a line
import type { Call, ContractCase } from './case.ts'
import { exactly } from './match.ts'

type Rule = readonly [type: string, constraints: object, fits: unknown[], breaks: unknown[]]

/** A field's type and constraints, values that fit, and values that don't. */
const rules: readonly Rule[] = [
  ['integer', { required: true }, [0], [null]],
  ['string', { required: true }, [''], [null]],
  ['integer', { unique: true }, [1], [100]],
  ['string', { unique: true }, ['a', null, null], ['known']],
  ['string', { enum: ['oak', 'elm'] }, ['oak', null], ['ash', 'OAK', '']],
  ['integer', { enum: [1, 2] }, [1, 2, null], [3]],
  ['integer', { minimum: 1, maximum: 5 }, [1, 5, null], [0, 6]],
  ['number', { minimum: 0.5 }, [0.5], [0.25]],
  ['number', { maximum: '1.5' }, [1.5], [1.75]],
  ['date', { minimum: '2020-01-01' }, ['2020-01-01'], ['2019-12-31']],
  ['datetime', { maximum: '2020-01-01T00:00:00Z' }, ['2020-01-01T00:00:00Z'], ['2020-01-01T00:00:01Z']],
  ['string', { pattern: '[A-Z]{2}\\d+' }, ['AB1', null], ['AB', 'xAB1', 'AB1x']],
  ['string', { minLength: 2, maxLength: 3 }, ['ab', 'äöü', null], ['a', 'abcd', '']],
  ['array', { minLength: 1, maxLength: 2 }, [[1], [1, 'x'], null], [[], [1, 2, 3]]],
  ['object', { minLength: 1, maxLength: 2 }, [{ a: 1 }, null], [{}, { a: 1, b: 2, c: 3 }]],
  ['array', { enum: [[1], ['x']] }, [['x'], null], [[2], ['x', 1]]],
]

/** A value that is stored before: what `unique` must not meet again. */
const known = (type: string): unknown => ({ integer: 100, string: 'known' })[type]

const declare = (type: string, constraints: object): Call => ['create', { schema: { fields: [{ name: 'k', type: 'integer' }, { name: 'a', type, constraints }], primaryKey: 'k' } }]
const stored = ({ type, constraints }: { type: string; constraints: object }): Call[] => {
  const first = 'unique' in constraints ? [{ k: 0, a: known(type) }] : []
  return [declare(type, constraints), ['upsert', { method: 'insert', records: first }]]
}
const nameOf = (type: string, constraints: object) => `${type} ${JSON.stringify(constraints)}`
const firstOf = (constraints: object) => Object.keys(constraints)[0] as string

const storedRows: readonly Call[] = [['create', { schema: { fields: [{ name: 'k', type: 'integer' }, { name: 'a', type: 'string', constraints: { maxLength: 9 } }, { name: 'n', type: 'integer' }], primaryKey: 'k' }, records: [{ k: 1, a: 'x', n: 1 }, { k: 2, a: 'yy', n: 7 }, { k: 3, a: 'x', n: null }] }]]
const redeclare = (name: string, type: string, limits: object, more: object = {}): Call => ['create', { schema: { fields: [{ name, type, constraints: limits }] }, ...more }]

/** A column, its stricter constraints, and what they meet among the stored rows: nothing, or a row by its `_id`. */
const stricter: readonly (readonly [name: string, type: string, limits: object, id?: number])[] = [
  ['n', 'integer', { minimum: 1, maximum: 7 }], ['n', 'integer', { maximum: 6 }, 2], ['n', 'integer', { required: true }, 3], ['n', 'integer', { unique: true }], ['n', 'number', { maximum: 6.5 }, 2],
  ['a', 'string', { maxLength: 2, required: true }], ['a', 'string', { maxLength: 1 }, 2], ['a', 'string', { unique: true }, 3], ['a', 'string', { enum: ['x', 'yy'] }], ['a', 'string', { enum: ['x'] }, 2], ['a', 'string', { pattern: 'x+' }, 2],
  ['new', 'string', { minLength: 1, unique: true }], ['new', 'string', { required: true }, 1],
]

/** Stored rows are held against constraints that a later declaration adds. */
const tightened: readonly ContractCase[] = stricter.map(([name, type, limits, id]): ContractCase => ({
  name: `§9.2 constraints: declared again, ${name} as ${type} ${JSON.stringify(limits)} ${id === undefined ? 'fits the stored rows' : `meets the row ${id}`}`,
  setup: storedRows,
  call: redeclare(name, type, limits, { records: [{ k: 4, a: 'maxLength' in limits ? 'z' : 'enum' in limits || 'pattern' in limits ? 'x' : 'zz', n: 5, ...(name === 'new' && { new: 'x' }) }] }),
  ...(id === undefined
    ? { then: [[['search', { limit: 0 }], { result: { total: 4 } }], [['info'], { result: { schema: { fields: (fields: { name: string; constraints?: object }[]) => JSON.stringify(fields.find((field) => field.name === name)?.constraints) === JSON.stringify(limits) } } }]] }
    : {
        status: 409,
        type: 'Conflict Error',
        error: { schema: [new RegExp(`^column "${name}", row with _id ${id}: .*${Object.keys(limits).at(-1)}`)], message: new RegExp(`column "${name}"`) },
        then: [[['search', { limit: 0 }], { result: { total: 3 } }], [['info'], { result: { schema: { fields: [{ name: 'k' }, { name: 'a', constraints: { maxLength: 9 } }, { name: 'n', type: 'integer', constraints: undefined }] } } }]],
      }),
}))

/** Frictionless constraints, held on every write (contract §9.2; the service's own promise). */
export const constraints: readonly ContractCase[] = [
  ...rules.map(([type, limits, fits], index): ContractCase => ({
    name: `§9.2 constraints: ${nameOf(type, limits)} takes ${JSON.stringify(fits)}`,
    setup: stored({ type, constraints: limits }),
    call: ['upsert', { method: 'insert', records: fits.map((a, k) => ({ k: k + 1, a })) }],
    ...(index === 0 && { smoke: true }),
  })),
  ...rules.flatMap(([type, limits, fits, breaks]) =>
    breaks.flatMap((a) =>
      (['insert', 'upsert', 'create', 'update'] as const).map((method): ContractCase => {
        const records = method === 'update' ? [{ k: 50, a }] : [{ k: 1, a: fits[0] }, { k: 2, a }]
        const before: Call[] = method === 'update' ? [['upsert', { method: 'insert', records: [{ k: 50, a: fits[0] }] }]] : []
        const total = before.length + ('unique' in limits ? 1 : 0)
        return {
          name: `§9.2 constraints: ${nameOf(type, limits)} refuses ${JSON.stringify(a)} on ${method}`,
          setup: [...stored({ type, constraints: limits }), ...before],
          call: method === 'create' ? ['create', { records }] : ['upsert', { method, records }],
          error: { records: [new RegExp(Object.keys(limits).join('|'))], records_row: records.length - 1, records_column: 'a', message: new RegExp(`row ${records.length - 1}, column "a".*(${Object.keys(limits).join('|')})`) },
          then: [[['search', { limit: 0 }], { result: { total } }]],
        }
      }),
    ),
  ),
  { name: '§9.2 constraints: required, and the key is missing in the record', setup: [declare('integer', { required: true })], call: ['upsert', { method: 'insert', records: [{ k: 1 }] }], error: { records: [/required/], records_row: 0, records_column: 'a' } },
  { name: '§9.2 constraints: required, and an update leaves it alone', setup: [['create', { schema: { fields: [{ name: 'k', type: 'integer' }, { name: 'a', type: 'integer', constraints: { required: true } }, { name: 'b', type: 'string' }], primaryKey: 'k' }, records: [{ k: 1, a: 1 }] }]], call: ['upsert', { method: 'update', records: [{ k: 1, b: 'x' }] }] },
  { name: '§9.2 constraints: unique, twice in one call', setup: [declare('integer', { unique: true })], call: ['upsert', { method: 'insert', records: [{ k: 1, a: 7 }, { k: 2, a: 7 }] }], error: { records: [/unique/], records_row: 1, records_column: 'a' } },
  { name: '§9.2 constraints: unique, and an update of the same row', setup: [declare('integer', { unique: true }), ['upsert', { method: 'insert', records: [{ k: 1, a: 7 }] }]], call: ['upsert', { method: 'update', records: [{ k: 1, a: 7 }] }] },
  { name: '§9.2 constraints: unique, and two rows that swap', setup: [declare('integer', { unique: true }), ['upsert', { method: 'insert', records: [{ k: 1, a: 1 }, { k: 2, a: 2 }] }]], call: ['upsert', { method: 'update', records: [{ k: 1, a: 2 }, { k: 2, a: 1 }] }] },
  { name: '§9.2 constraints: dry_run finds what breaks them', setup: [declare('integer', { maximum: 5 })], call: ['upsert', { method: 'insert', dry_run: true, records: [{ k: 1, a: 6 }] }], error: { records: [/maximum/] } },
  ...tightened,
  ...[{ minimum: 'x' }, { enum: 7 }, { pattern: '[' }, { minLength: 'x' }, { required: 'yes' }].map((bad): ContractCase => ({
    name: `§9.2 constraints: ${JSON.stringify(bad)} is refused in a declaration`,
    call: declare('pattern' in bad || 'minLength' in bad ? 'string' : 'integer', bad),
    error: { schema: [new RegExp(firstOf(bad))] },
    then: [[['search'], { status: 404 }]],
  })),
  ...([['date', { minimum: '2020-13-45' }], ['datetime', { enum: ['2020-02-30'] }], ['date', { maximum: '2020-02-30' }]] as const).map(([type, bad]): ContractCase => ({
    name: `§9.2 constraints: ${nameOf(type, bad)}, a day that there is not, is refused in a declaration`,
    call: declare(type, bad),
    error: { schema: [new RegExp(`"a".*${firstOf(bad)}`)] },
    then: [[['search'], { status: 404 }]],
  })),
  ...([['integer', { minLength: 2 }], ['date', { maxLength: 2 }], ['boolean', { minLength: 1 }], ['object', { minimum: 5 }]] as const).map(([type, bad]): ContractCase => ({
    name: `§9.2 constraints: ${nameOf(type, bad)} does not apply`,
    call: declare(type, bad),
    error: { schema: [new RegExp(`${firstOf(bad)} does not apply to a field of type`)] },
    then: [[['search'], { status: 404 }]],
  })),
  ...[{ minimum: 'zz' }, { minLength: 1 }, { enum: 7 }, 'x', { required: 'yes' }].map((bad): ContractCase => ({
    name: `§9.2 constraints: ${JSON.stringify(bad)} in the info of a field is kept, and not checked`,
    call: ['create', { fields: [{ id: 'a', type: 'int', info: { label: 'A', constraints: bad } }], records: [{ a: 1 }, { a: null }] }],
    warning: /constraints.*"a".*not checked/,
    then: [[['info'], { result: { fields: [{ info: exactly({ label: 'A', constraints: bad }) }], schema: { fields: [exactly({ name: 'a', type: 'integer', label: 'A' })] } } }]],
  })),
  { name: '§9.2 constraints: in the info of a field they are checked too', call: ['create', { fields: [{ id: 'a', type: 'int', info: { constraints: { minimum: 5 } } }], records: [{ a: 4 }] }], error: { records: [/minimum/] } },
]
