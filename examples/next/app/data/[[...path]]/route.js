// Route handlers of Next.js: the portal's tables under /data.
import { datastore } from '../../../datastore.js'

export const runtime = 'nodejs'
export const dynamic = 'force-dynamic'

async function answer(request) {
  const headers = new Headers(request.headers)
  // Next.js takes Content-Encoding off what a route answers, and so must compress by itself.
  headers.delete('accept-encoding')
  const { fetch } = await datastore()
  return fetch(new Request(request, { headers }))
}

export { answer as GET, answer as HEAD, answer as OPTIONS, answer as POST }
