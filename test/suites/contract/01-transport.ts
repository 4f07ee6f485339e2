// biome-ignore-all format: one case a line
import type { ContractCase, RequestCall } from './case.ts'
import { table } from './case.ts'
import { absent } from './match.ts'

const SEARCH = '/api/3/action/datastore_search'
const FORM = 'application/x-www-form-urlencoded'

const two = table('a int', [{ a: 1 }, { a: 2 }])
const one = { result: { limit: 1, total: 2 }, records: [{ _id: 1, a: 1 }] }
const post = (path: string, type: string, body: string): RequestCall => ({
  line: `POST ${path}`,
  headers: { 'Content-Type': type },
  body,
})
const multipart = (parts: Record<string, string>): RequestCall => {
  const text = Object.entries(parts).map(([name, value]) => `--edge\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
  return post(SEARCH, 'multipart/form-data; boundary=edge', `${text.join('')}--edge--\r\n`)
}
const bare = (start: string) => ({ status: 400, text: new RegExp(`^"${start}`) })

const paths: readonly ContractCase[] = [
  { name: '§1.1 /api/action is version 3', setup: [two], call: 'GET /api/action/datastore_search?resource_id=$id&limit=1', ...one, body: { help: /\/api\/3\/action\// } },
  { name: '§1.1 /api/3/action', setup: [two], call: `GET ${SEARCH}?resource_id=$id&limit=1`, ...one, smoke: true },
  { name: '§1.1 /api/1/action is not mounted', call: 'GET /api/1/action/datastore_search?resource_id=x', status: 404, type: 'Not Found Error' },
  { name: '§1.1 /api/2/action is not mounted', call: 'POST /api/2/action/datastore_search {}', status: 404, type: 'Not Found Error' },
  { name: '§1.1 /datastore/api/v2 is not mounted', call: 'GET /datastore/api/v2/datastore_search?resource_id=x', status: 404, type: 'Not Found Error' },
  { name: '§1.1 /api', call: 'GET /api', text: '{"version":1}' },
  { name: '§1.1 /api/', call: 'GET /api/', text: '{"version":1}' },
  { name: '§1.1 /api/1', call: 'GET /api/1', text: '{"version":1}' },
  { name: '§1.1 /api/2', call: 'GET /api/2', text: '{"version":2}' },
  { name: '§1.1 /api/3', call: 'GET /api/3', text: '{"version":3}' },
  { name: '§1.1 HEAD of a read: headers alone', setup: [two], call: `HEAD ${SEARCH}?resource_id=$id`, status: 200, text: '', headers: { 'content-type': 'application/json;charset=utf-8' } },
  { name: '§1.1 HEAD of a dump: headers alone', setup: [two], call: 'HEAD /datastore/dump/$id', status: 200, text: '', headers: { 'content-type': 'text/csv; charset=utf-8' } },
  ...['datastore_search', 'datastore_create'].map((action): ContractCase => ({
    name: `§1.1 OPTIONS of ${action}`,
    call: `OPTIONS /api/3/action/${action}`,
    status: 200,
    headers: { allow: /OPTIONS/ },
  })),
  { name: '§1.1 OPTIONS of a dump', call: 'OPTIONS /datastore/dump/$id', status: 200, headers: { allow: /GET.*OPTIONS/ } },
  ...['PUT', 'PATCH', 'DELETE'].map((method): ContractCase => ({
    name: `§1.1 ${method} of an action: 405 with Allow`,
    call: `${method} ${SEARCH}`,
    status: 405,
    type: 'Method Not Allowed',
    headers: { allow: 'GET, HEAD, OPTIONS, POST' },
  })),
  { name: '§1.1 POST of a dump: 405 with Allow', call: 'POST /datastore/dump/$id {}', status: 405, headers: { allow: /GET/ } },
]

const REFUSED = 'Bad request: JSON Error: Invalid request. Please use POST method for your request'
const writes = [
  'datastore_create', 'datastore_upsert', 'datastore_delete', 'datastore_records_delete', 'datastore_run_triggers',
  'datastore_function_create', 'datastore_function_delete', 'datastore_sequence_create', 'datastore_sequence_delete',
  'datastore_sequence_next',
]

const methods: readonly ContractCase[] = [
  ...writes.map((action): ContractCase => ({
    name: `§1.2 GET on ${action}`,
    call: `GET /api/3/action/${action}?resource_id=x&limit=-1`,
    status: 400,
    text: JSON.stringify(REFUSED),
  })),
  { name: '§1.2 GET on a write executes nothing', setup: [two], call: 'GET /api/3/action/datastore_delete?resource_id=$id', status: 400, text: JSON.stringify(REFUSED), then: [[['search'], { result: { total: 2 } }]] },
  { name: '§1.2 search by POST', setup: [two], call: ['search', { limit: 1 }], ...one },
  { name: '§1.2 search_sql by GET', setup: [two], call: 'GET /api/3/action/datastore_search_sql?sql=SELECT+a+FROM+"$id"+ORDER+BY+a', records: [{ a: 1 }, { a: 2 }] },
  { name: '§1.2 info by GET', setup: [two], call: 'GET /api/3/action/datastore_info?id=$id', result: { meta: { count: 2 } } },
  { name: '§1.2 info by POST', setup: [two], call: ['info'], result: { meta: { count: 2 } }, smoke: true },
]

const sources: readonly ContractCase[] = [
  { name: '§1.3 unknown action, GET', call: 'GET /api/3/action/datastore_nope', status: 400, text: '"Bad request: Action name not known: datastore_nope"' },
  { name: '§1.3 unknown action, POST', call: 'POST /api/3/action/package_list {}', status: 400, text: '"Bad request: Action name not known: package_list"', smoke: true },
  { name: '§1.3 JSON body', setup: [two], call: ['search', { limit: 1 }], ...one },
  { name: '§1.3 JSON with another JSON media type', setup: [two], call: post(SEARCH, 'application/vnd.api+json; charset=utf-8', '{"resource_id": "$id", "limit": 1}'), ...one },
  { name: '§1.3 urlencoded form', setup: [two], call: post(SEARCH, FORM, 'resource_id=$id&limit=1'), ...one },
  { name: '§1.3 a form of one name, in parts, is read as JSON', call: multipart({ resource_id: '1' }), ...bare('Bad request: JSON Error') },
  { name: '§1.3 multipart form', setup: [two], call: multipart({ resource_id: '$id', limit: '1' }), ...one },
  { name: '§1.3 raw JSON sent as a form', setup: [two], call: post(SEARCH, FORM, '{"resource_id": "$id", "limit": 1}'), ...one },
  { name: '§1.3 raw JSON with = and & sent as a form', setup: [two], call: post(SEARCH, FORM, '{"resource_id": "$id", "limit": 1, "filters": {"a": [1, 2]}, "sort": "a", "language": "x=1&y=2"}'), result: { language: 'x=1&y=2' } },
  { name: '§1.3 encoded JSON sent as a form', setup: [two], call: post(SEARCH, FORM, encodeURIComponent('{"resource_id": "$id", "limit": 1}').replaceAll('%24id', '$id')), ...one },
  { name: '§1.3 one pair with value 1', setup: [two], call: post(SEARCH, FORM, `${encodeURIComponent('{"resource_id": "$id", "limit": 1}').replaceAll('%24id', '$id')}=1`), ...one },
  { name: '§1.3 a form of one pair is taken for JSON', call: post(SEARCH, FORM, 'resource_id=1'), ...bare('Bad request: JSON Error: Error decoding JSON data. Error: ') },
  { name: '§1.3 so is one with an empty value', call: post(SEARCH, FORM, 'resource_id='), ...bare('Bad request: JSON Error: Error decoding JSON data. Error: ') },
  { name: '§1.3 the query hides a JSON body', setup: [two], call: `POST ${SEARCH}?resource_id=$id&limit=1 {"resource_id": "other"}`, ...one },
  { name: '§1.3 a form hides the query', setup: [two], call: post(`${SEARCH}?resource_id=other`, FORM, 'resource_id=$id&limit=1'), ...one },
  { name: '§1.3 a write never reads the query', setup: [two], call: 'POST /api/3/action/datastore_upsert?resource_id=$id {"records": []}', error: { resource_id: ['Missing value'] } },
  { name: '§1.3 a name given twice is a list', setup: [table('a int, b int', [{ a: 1, b: 2 }])], call: `GET ${SEARCH}?resource_id=$id&fields=b&fields=a`, records: [{ b: 2, a: 1 }] },
  { name: '§1.3 nothing at all', call: { line: `POST ${SEARCH}` }, error: { resource_id: ['Missing value'] } },
  { name: '§1.3 text/plain: 415', call: post(SEARCH, 'text/plain', '{"resource_id": "x"}'), status: 415, type: 'Unsupported Media Type' },
  { name: '§1.3 malformed JSON', call: `POST ${SEARCH} {"resource_id": `, ...bare('Bad request: JSON Error: Error decoding JSON data. Error: ') },
  { name: '§1.3 a list', call: `POST ${SEARCH} [1]`, status: 400, text: '"Bad request: JSON Error: Request data JSON decoded to [1] but it needs to be a dictionary."' },
  { name: '§1.3 a text', call: `POST ${SEARCH} "a"`, status: 400, text: `"Bad request: JSON Error: Request data JSON decoded to 'a' but it needs to be a dictionary."` },
  { name: '§1.3 null', call: `POST ${SEARCH} null`, status: 400, text: '"Bad request: JSON Error: Request data JSON decoded to None but it needs to be a dictionary."' },
  { name: '§1.3 a body over the limit: 413', env: { MAX_REQUEST_BODY_MB: '1' }, call: `POST ${SEARCH} {"q": "${'x'.repeat(1024 * 1024)}"}`, status: 413, type: 'Payload Too Large' },
]

const INFO = 'GET /api/3/action/datastore_info?id=$id'
const wrapped = (name: string) => ({ text: new RegExp(`^${name}\\(\\{"help".*\\}\\);$`, 's'), headers: { 'content-type': 'application/javascript;charset=utf-8' } })

const envelopes: readonly ContractCase[] = [
  { name: '§1.6 success', setup: [two], call: ['search'], headers: { 'content-type': 'application/json;charset=utf-8' }, body: { help: /^https?:\/\/[^/]+\/api\/3\/action\/help_show\?name=datastore_search$/, success: true, error: absent }, smoke: true },
  { name: '§1.6 help comes from SITE_URL', env: { SITE_URL: 'https://data.example.org' }, setup: [two], call: ['search'], body: { help: 'https://data.example.org/api/3/action/help_show?name=datastore_search' } },
  { name: '§1.6 number text survives in records', setup: [table('a numeric(10,2)', [{ a: 10.5 }])], call: ['search'], text: /"a":10\.50/ },
  { name: '§1.7 callback', setup: [two], call: `${INFO}&callback=fn`, ...wrapped('fn') },
  { name: '§1.7 callback is escaped', setup: [two], call: `${INFO}&callback=${encodeURIComponent(`a<b>&"'`)}`, ...wrapped('a&lt;b&gt;&amp;&#34;&#39;') },
  { name: '§1.7 an error is not wrapped', call: `${INFO}&callback=fn`, status: 404, type: 'Not Found Error' },
  { name: '§1.7 a POST is not wrapped', setup: [two], call: ['info', { callback: 'fn' }], headers: { 'content-type': 'application/json;charset=utf-8' } },
  { name: '§1.8 help_show', call: 'GET /api/3/action/help_show?name=datastore_search', result: /records/i },
  { name: '§1.8 help_show by POST', call: ['help_show', { name: 'datastore_upsert' }], result: /records/i },
  { name: '§1.8 without a name', call: ['help_show'], error: { name: ['Missing value'] } },
  { name: '§1.8 of an unknown action', call: ['help_show', { name: 'nope' }], status: 404, error: { message: 'Not found: Action function not found' } },
  { name: '§1.9 Origin: any may read', setup: [two], call: { line: INFO, headers: { Origin: 'https://a.example' } }, headers: { 'access-control-allow-origin': '*', 'access-control-allow-methods': 'POST, PUT, GET, DELETE, OPTIONS', 'access-control-allow-headers': 'Authorization, Content-Type' } },
  { name: '§1.9 no Origin: no CORS headers', setup: [two], call: INFO, headers: { 'access-control-allow-origin': absent } },
  { name: '§1.9 CORS_ORIGINS names one', env: { CORS_ORIGINS: 'https://a.example' }, setup: [two], call: { line: INFO, headers: { Origin: 'https://b.example' } }, headers: { 'access-control-allow-origin': absent }, then: [[{ line: INFO, headers: { Origin: 'https://a.example' } }, { headers: { 'access-control-allow-origin': 'https://a.example' } }]] },
]

/** Contract §1: transport. */
export const transport: readonly ContractCase[] = [...paths, ...methods, ...sources, ...envelopes]
