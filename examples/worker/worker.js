// A datastore in a worker: all that it keeps is a JSON document elsewhere.
import { createDatastore } from 'ckan-datastore'
import documents from './documents.js'

/** One datastore for each request: in a worker no request may wait for what another has begun. */
export default {
  async fetch(request, { TABLES_URL, TABLES_TOKEN, ...settings }) {
    const headers = TABLES_TOKEN ? { Authorization: `Bearer ${TABLES_TOKEN}` } : {}
    const engine = documents({ url: TABLES_URL, headers })
    const env = { AUTH_TYPE: 'anonymous', LOG_LEVEL: 'WARNING', QUERY_CACHE_MB: '0', ...settings }
    const datastore = await createDatastore({ env, engine })
    const { body, status, headers: answered } = await datastore.fetch(request)
    // It is compressed already, where it says so.
    return new Response(body, { status, headers: answered, encodeBody: 'manual' })
  },
}
