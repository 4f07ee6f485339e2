// Does for a route module what Next.js does: picks the export that is named as the request's method.
import { serve } from '@hono/node-server'
import { GET, HEAD, OPTIONS, POST } from '../../examples/next/app/data/[...path]/route.js'

const route = { GET, HEAD, OPTIONS, POST }
const notAllowed = () => new Response(null, { status: 405 })
const fetch = (request) => (route[request.method] ?? notAllowed)(request)
serve({ fetch, hostname: '127.0.0.1', port: Number(process.env.PORT) }, ({ port }) =>
  console.log(`listens on http://127.0.0.1:${port}/data`),
)
