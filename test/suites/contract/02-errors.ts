// biome-ignore-all format: one case a line
import type { ContractCase } from './case.ts'
import { table } from './case.ts'
import { absent, exactly } from './match.ts'

const one = table('a int', [{ a: 1 }])
const STR = "Only lists of dicts can be placed against subschema ('fields',), not <class 'str'>"

/** Contract §2 and §10.3: statuses and bodies of errors. */
export const errors: readonly ContractCase[] = [
  { name: '§2.1 invalid parameters: 409', setup: [one], call: ['search', { limit: -1 }], status: 409, type: 'Validation Error', smoke: true },
  { name: '§2.1 bad data: 409', setup: [one], call: ['upsert', { method: 'insert', records: [{ a: 'x' }] }], status: 409, type: 'Validation Error' },
  { name: '§2.1 SQL syntax: 409', setup: [one], call: ['search_sql', { sql: 'SELECT FROM WHERE' }], status: 409, type: 'Validation Error' },
  { name: '§2.1 unknown column: 409', setup: [one], call: ['search', { fields: 'zz' }], status: 409, type: 'Validation Error' },
  { name: '§2.1 time limit: 409', env: { QUERY_TIMEOUT_SECONDS: '1' }, call: ['search_sql', { sql: 'SELECT count(*) AS n FROM generate_series(1, 4000000) a CROSS JOIN generate_series(1, 4000000) b' }], status: 409, error: { query: ['Query took too long'] } },
  { name: '§2.1 disallowed function: 403', call: ['search_sql', { sql: 'SELECT pg_sleep(1)' }], status: 403, type: 'Authorization Error' },
  { name: '§2.1 unknown resource: 404', call: ['search'], status: 404, type: 'Not Found Error' },
  { name: '§2.1 update of a missing key: 409', setup: [table('a int', [{ a: 1 }], { primary_key: 'a' })], call: ['upsert', { method: 'update', records: [{ a: 2 }] }], status: 409, type: 'Validation Error' },
  { name: '§2.1 not implemented: 501', call: ['run_triggers'], status: 501, type: 'Not Implemented', error: { message: 'datastore_run_triggers is not available on this server' } },
  { name: '§2.2 fields as a text: 400', call: ['create', { fields: 'a' }], status: 400, type: 'Integrity Error', error: { message: STR, data: { resource_id: '$id', fields: 'a' } }, smoke: true },
  { name: '§2.2 fields as an object: 400', call: ['create', { fields: { id: 'a' } }], status: 400, type: 'Integrity Error', error: { message: STR.replace('str', 'dict') } },
  { name: '§2.2 fields with a first item that is no object: 400', call: ['create', { fields: ['a'] }], status: 400, type: 'Integrity Error', error: { message: STR.replace('str', 'list') } },
  { name: '§2.2 fields with a later item that is no object: 400', call: ['create', { fields: [{ id: 'a' }, 'b'] }], status: 400, type: 'Integrity Error', error: { message: 'Values in lists need to be dicts' } },
  { name: '§2.2 404', call: ['search', { resource_id: 'no-such-trees' }], status: 404, error: exactly({ __type: 'Not Found Error', message: 'Not found: Resource "no-such-trees" was not found.' }) },
  { name: '§2.2 409: keys on error itself', setup: [one], call: ['search', { limit: -1, offset: 'x' }], error: { limit: ['Must be a natural number'], offset: ['Invalid integer'] } },
  { name: '§2.2 409: fields is aligned with the request', call: ['create', { fields: [{ id: 'a' }, { id: '_secret' }] }], error: { fields: [exactly({}), { id: ['"_secret" is not a valid field name'] }] } },
  { name: '§2.2 405', call: 'PUT /api/3/action/datastore_search', status: 405, type: 'Method Not Allowed' },
  { name: '§2.2 unknown path', call: 'GET /no/such/path', status: 404, type: 'Not Found Error', headers: { 'content-type': 'application/json;charset=utf-8' } },
  { name: '§10.3 message and fields map beside CKAN\'s keys', setup: [one], call: ['search', { limit: -1 }], error: exactly({ __type: 'Validation Error', message: 'limit: Must be a natural number', limit: ['Must be a natural number'], fields: { limit: ['Must be a natural number'] } }), smoke: true },
  { name: '§10.3 a parameter called fields owns the key', setup: [one], call: ['search', { fields: 'zz' }], error: exactly({ __type: 'Validation Error', message: 'fields: invalid value "zz"', fields: ['invalid value "zz"'] }) },
  { name: '§10.3 no fields on 404', call: ['search'], status: 404, error: { fields: absent } },
  { name: '§10.3 no fields on 403', call: ['search_sql', { sql: 'SELECT pg_sleep(1)' }], status: 403, error: { fields: absent } },
]
