import { createDatastore } from 'ckan-datastore'

/** One datastore for the process: Next.js loads modules anew while one develops, and DuckDB's file has one owner. */
export function datastore() {
  globalThis.datastore ??= createDatastore({ env: { AUTH_TYPE: 'anonymous', ...process.env }, basePath: '/data' })
  return globalThis.datastore
}
