// biome-ignore-all format: one case a line
import type { CkanServer } from '../../fixtures/ckan-server.ts'
import type { Call, ContractCase } from './case.ts'
import { absent } from './match.ts'

const EDITOR = { Authorization: 'token-of-the-editor-4711' }
const READER = { Authorization: 'token-of-a-reader-0815' }

/** CKAN decides; its address is put in where the datastore is opened. */
const env = { AUTH_TYPE: 'ckan', CKAN_URL: '$ckan' }

/** What the CKAN of these cases knows. */
export function prepareCkan(ckan: CkanServer): void {
  ckan.addUser(EDITOR.Authorization, { name: 'erna', editor: true })
  ckan.addUser(READER.Authorization, { name: 'rita' })
  for (const id of ['open-1', 'open-2', 'open-3', 'open-4', 'open-5']) ckan.addResource(id)
  for (const id of ['closed-1', 'closed-2', 'closed-3', 'closed-4', 'closed-5', 'closed-6']) ckan.addResource(id, { private: true })
  ckan.addResource('meta-open')
  ckan.addResource('meta-closed', { private: true })
  ckan.addResource('uploaded-1', { url_type: 'upload' })
  ckan.addResource('linked-1', { url_type: '' })
}

const fields = [{ id: 'a', type: 'int' }]
const create = (id: string, more: object = {}): Call => ['create', { resource_id: id, fields, records: [{ a: 1 }], ...more }, EDITOR]
const READ_ONLY =
  'Cannot edit read-only resource because changes made may be lost. Use a resource created for editing ' +
  'e.g. with datastore_create or use "force=True" to ignore this warning.'
const denied = { status: 403, type: 'Authorization Error' }

const cases: readonly Omit<ContractCase, 'env'>[] = [
  { name: '§3.1 a raw token', call: create('open-1'), result: { resource_id: 'open-1' }, smoke: true },
  { name: '§3.1 a Bearer token', call: ['create', { resource_id: 'open-1', fields }, { Authorization: `Bearer ${EDITOR.Authorization}` }], result: { resource_id: 'open-1' } },
  { name: '§3.1 nobody may write', call: ['upsert', { resource_id: 'open-1', records: [] }], ...denied, error: { message: 'Access denied: Action datastore_upsert requires an authenticated user', fields: absent } },
  { name: '§3.1 a reader may not write', call: ['delete', { resource_id: 'open-1', filters: {} }, READER], ...denied, error: { message: /^Access denied: User rita not authorized to/ } },
  { name: '§3.1 everybody reads what is public', setup: [create('open-2')], call: ['search', { resource_id: 'open-2' }], result: { total: 1 } },
  { name: '§3.1 not what is private', setup: [create('closed-1')], call: ['search', { resource_id: 'closed-1' }], ...denied, then: [[['info', { id: 'closed-1' }, READER], denied], [['search', { id: 'closed-1' }, EDITOR], { result: { total: 1 } }]] },
  { name: '§3.1 in SQL: every table', setup: [create('open-3'), create('closed-2')], call: ['search_sql', { sql: 'SELECT a FROM "open-3" WHERE false UNION ALL SELECT a FROM "closed-2" WHERE false' }], ...denied, error: { message: 'Access denied: Not authorized to read resource.' } },
  { name: '§3.1 a dump hides a denial', setup: [create('closed-3')], call: 'GET /datastore/dump/closed-3', status: 404, type: 'Not Found Error' },
  { name: '§3.1 writes: parameters before permission', call: ['upsert', { resource_id: 'open-1', method: 'x' }, READER], status: 409, error: { method: ["Value must be one of ['upsert', 'insert', 'update']"] } },
  { name: '§3.1 writes: permission before the table', call: ['upsert', { resource_id: 'open-5', records: [] }, READER], ...denied },
  { name: '§3.1 writes: a resource that CKAN does not know', call: ['upsert', { resource_id: 'unknown', records: [] }, EDITOR], status: 404, type: 'Not Found Error' },
  { name: '§3.1 writes: a resource without a table', call: ['upsert', { resource_id: 'open-5', records: [] }, EDITOR], status: 404, error: { message: 'Not found: Resource "open-5" was not found.' } },
  { name: '§3.1 search: the table before permission', call: ['search', { resource_id: 'closed-6' }], status: 404 },
  { name: '§3.1 search: permission before the query', setup: [create('closed-4')], call: ['search', { resource_id: 'closed-4', fields: 'zz' }], ...denied },
  { name: '§3.2 read-only without force', call: ['create', { resource_id: 'uploaded-1', fields }, EDITOR], status: 409, error: { 'read-only': [READ_ONLY], message: `read-only: ${READ_ONLY}` }, smoke: true },
  { name: '§3.2 read-only with force', setup: [create('uploaded-1', { force: true })], call: ['upsert', { resource_id: 'uploaded-1', records: [] }, EDITOR], error: { 'read-only': [READ_ONLY] }, then: [[['delete', { resource_id: 'uploaded-1', filters: {} }, EDITOR], { error: { 'read-only': [READ_ONLY] } }], [['delete', { resource_id: 'uploaded-1', force: true }, EDITOR], { result: { resource_id: 'uploaded-1' } }]] },
  { name: '§3.2 read-only before the table is looked for', call: ['upsert', { resource_id: 'uploaded-1', records: [] }, EDITOR], error: { 'read-only': [READ_ONLY] } },
  { name: '§3.2 a datastore resource needs no force', setup: [create('open-4')], call: ['upsert', { resource_id: 'open-4', method: 'insert', records: [{ a: 2 }] }, EDITOR], result: { resource_id: 'open-4' } },
  { name: '§1.7 a callback drops the identity', setup: [create('closed-5')], call: { line: 'GET /api/3/action/datastore_search?resource_id=closed-5&callback=fn', headers: EDITOR }, ...denied },
  { name: '§10.2 row 48: create on a resource that CKAN does not know', call: ['create', { resource_id: 'unknown', fields }, EDITOR], status: 404, type: 'Not Found Error' },
  { name: '§1.7 a callback drops the identity of a POST', call: ['upsert', { resource_id: 'open-4', records: [], callback: 'fn' }, EDITOR], ...denied },
  { name: '§8.1 resource: the catalogue makes it first', call: ['create', { resource: { package_id: 'package-of-open-1', name: 'Trees' }, fields, records: [{ a: 1 }] }, EDITOR], result: { resource_id: /^[0-9a-f-]{36}$/, package_id: 'package-of-open-1', resource: { name: 'Trees' } } },
  { name: '§8.1 resource with an id', call: ['create', { resource: { package_id: 'package-of-open-1', id: 'linked-1' }, fields }, EDITOR], status: 409, error: { resource: [/resource_id/] } },
  { name: '§8.1 resource in a package that there is not', call: ['create', { resource: { package_id: 'nope' }, fields }, EDITOR], status: 404 },
  { name: '§7.3 _table_metadata shows what the caller may read', setup: [create('meta-open'), create('meta-closed')], call: ['search', { resource_id: '_table_metadata', filters: { name: ['meta-open', 'meta-closed'] } }], result: { records: [{ name: 'meta-open' }] }, then: [[['search', { resource_id: '_table_metadata', filters: { name: ['meta-open', 'meta-closed'] }, sort: 'name', fields: 'name' }, EDITOR], { records: [{ name: 'meta-closed' }, { name: 'meta-open' }] }]] },
  { name: '§10.2 row 49: the read-only guard', call: ['create', { resource_id: 'linked-1', fields }, EDITOR], status: 409, error: { 'read-only': [READ_ONLY], message: /read-only/ } },
  { name: '§10.2 row 9: create answers package_id when known', call: create('open-1'), result: { package_id: 'package-of-open-1' } },
]

/** Contract §3: who may do what, and in which order it is asked. */
export const authorization: readonly ContractCase[] = cases.map((row) => ({ ...row, env }))
