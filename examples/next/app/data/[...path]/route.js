// Route handlers of Next.js: the portal's tables under /data.
import { datastore } from '../../../datastore.js'

export const runtime = 'nodejs'
export const dynamic = 'force-dynamic'

const answer = async (request) => (await datastore()).fetch(request)

export { answer as GET, answer as HEAD, answer as OPTIONS, answer as POST }
