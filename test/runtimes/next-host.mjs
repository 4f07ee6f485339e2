// Does for a route module what Next.js (16) does: matches the path with the names of its folders, takes the slash off its
// end, picks the export that is named as the request's method, and drops headers that it writes itself.
import { readdirSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { serve } from '@hono/node-server'

const app = `${import.meta.dirname}/../../examples/next/app/`
const [file] = readdirSync(app, { recursive: true }).filter((name) => name.endsWith('route.js'))
const route = await import(pathToFileURL(app + file).href)
const pattern = file
  .split('/')
  .slice(0, -1)
  .map((name) => (/^\[\[\.{3}\w+\]\]$/.test(name) ? '(/.+)?' : /^\[\.{3}\w+\]$/.test(name) ? '/.+' : `/${name}`))
  .join('')
const OWN_HEADERS = ['content-length', 'content-encoding', 'transfer-encoding']

async function fetch(request) {
  const { pathname, search } = new URL(request.url)
  if (/.\/$/.test(pathname))
    return new Response(null, { status: 308, headers: { Location: pathname.slice(0, -1) + search } })
  if (!new RegExp(`^${pattern}$`).test(pathname)) return new Response(null, { status: 404 })
  if (!route[request.method]) return new Response(null, { status: 405 })
  const response = await route[request.method](request)
  const headers = [...response.headers].filter(([name]) => !OWN_HEADERS.includes(name))
  return new Response(response.body, { status: response.status, headers })
}

serve({ fetch, hostname: '127.0.0.1', port: Number(process.env.PORT) }, ({ port }) =>
  console.log(`listens on http://127.0.0.1:${port}/data`),
)
