// A portal of one's own with Hono, its tables under /data.
import { serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { createDatastore } from 'ckan-datastore'
import { Hono } from 'hono'

const datastore = await createDatastore({ env: { AUTH_TYPE: 'anonymous', ...process.env }, basePath: '/data' })

const app = new Hono()
app.get('/', (context) => context.text('The portal. Its tables are under /data.'))
app.all('/data/*', (context) => datastore.fetch(context.req.raw, { address: getConnInfo(context).remote.address }))

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }, ({ port }) =>
  console.log(`listens on http://127.0.0.1:${port}/data`),
)
process.once('SIGTERM', () => datastore.close().then(() => process.exit()))
