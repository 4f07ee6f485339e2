// A portal of one's own with Fastify, its tables under /data.
import { createDatastore } from 'ckan-datastore'
import { listener } from 'ckan-datastore/node'
import Fastify from 'fastify'

const datastore = await createDatastore({ env: { AUTH_TYPE: 'anonymous', ...process.env }, basePath: '/data' })

const app = Fastify()
app.get('/', async () => 'The portal. Its tables are under /data.')
app.register(async (tables) => {
  // The datastore reads bodies itself, of any type and size.
  tables.removeAllContentTypeParsers()
  tables.addContentTypeParser('*', (_request, _body, done) => done(null))
  const answer = listener(datastore.fetch)
  for (const path of ['/data', '/data/*'])
    tables.all(path, (request, reply) => {
      reply.hijack()
      return answer(request.raw, reply.raw)
    })
})
app.addHook('onClose', () => datastore.close())

const url = await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })
console.log(`listens on ${url}/data`)
process.once('SIGTERM', () => app.close().then(() => process.exit()))
