// A server on Deno: deno run --allow-all examples/deno.js
import { createDatastore } from 'ckan-datastore'

const datastore = await createDatastore({ env: { AUTH_TYPE: 'anonymous', ...Deno.env.toObject() } })

const server = Deno.serve(
  {
    hostname: '127.0.0.1',
    port: Number(Deno.env.get('PORT') ?? 8000),
    onListen: ({ port }) => console.log(`listens on http://127.0.0.1:${port}`),
  },
  (request, { remoteAddr }) => datastore.fetch(request, { address: remoteAddr.hostname }),
)
Deno.addSignalListener('SIGTERM', async () => {
  await server.shutdown()
  await datastore.close()
  Deno.exit()
})
