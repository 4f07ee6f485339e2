// A server on Bun: bun examples/bun.js
import { serve } from 'ckan-datastore/bun'

const { url, close } = await serve({ env: { AUTH_TYPE: 'anonymous', ...process.env } })
console.log(`listens on ${url}`)
process.once('SIGTERM', () => close().then(() => process.exit()))
