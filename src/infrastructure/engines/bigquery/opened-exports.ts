import { Bucket } from './bucket.ts'
import { googleOptions } from './credentials.ts'
import { Exports } from './export.ts'
import type { Store } from './store.ts'

const opened = new WeakMap<Store, Promise<Exports>>()

/** The bucket's exports, opened on first use; undefined where there is no bucket. */
export function exportsOf(store: Store): Promise<Exports> | undefined {
  if (store.config.bigqueryExportBucket === undefined) return undefined
  let exports = opened.get(store)
  if (!exports) {
    exports = openExports(store)
    opened.set(store, exports)
  }
  return exports
}

async function openExports({ client, config }: Store): Promise<Exports> {
  const { bigqueryExportBucket, bigqueryCredentials, storageApiEndpoint, bigqueryExportUrlExpiryHours } = config
  const { Storage } = await import('@google-cloud/storage')
  const options = await googleOptions(client.project, bigqueryCredentials, storageApiEndpoint)
  const storage = new Storage({ ...options, useAuthWithCustomEndpoint: bigqueryCredentials !== undefined } as object)
  return new Exports({
    bucket: new Bucket(storage.bucket(bigqueryExportBucket as string)),
    run: (sql, params) => client.script(sql, { params, isBudgeted: true }),
    urlHours: bigqueryExportUrlExpiryHours,
  })
}
