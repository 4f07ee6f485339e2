export type { Compressor, Compressors } from './api/compress.ts'
export type { Caller } from './api/context.ts'
export type { UsageEvent } from './api/middleware/analytics.ts'
export { createDatastore, type Datastore, type DatastoreOptions } from './app.ts'
export type {
  AuthProvider,
  CkanPackage,
  CkanResource,
  Decision,
  Identity,
  Permission,
  Question,
  TableChange,
} from './auth/provider.ts'
export type { Env } from './core/config.ts'
export {
  ConfigurationError,
  DatastoreError,
  NotAuthorized,
  NotFound,
  NotImplemented,
  ServiceUnavailable,
  ValidationError,
} from './core/errors.ts'
export { columnType } from './core/field-types.ts'
export type { Logger } from './core/log.ts'
export type { Cache } from './infrastructure/cache.ts'
export type * from './infrastructure/engines/engine.ts'
export { StaleSchema } from './infrastructure/engines/engine.ts'
