// A portal of one's own with Express, its tables under /data.
import { createDatastore } from 'ckan-datastore'
import { listener } from 'ckan-datastore/node'
import express from 'express'

const datastore = await createDatastore({ env: { AUTH_TYPE: 'anonymous', ...process.env }, basePath: '/data' })

const app = express()
app.get('/', (_request, response) => response.send('The portal. Its tables are under /data.'))
// Before any parser of bodies: the datastore reads its own. Not by `use`, which takes /data off the path.
app.all('/data{/*path}', listener(datastore.fetch))
app.use(express.json())

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () =>
  console.log(`listens on http://127.0.0.1:${server.address().port}/data`),
)
process.once('SIGTERM', () => datastore.close().then(() => process.exit()))
