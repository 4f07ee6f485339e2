import type { Config } from '../core/config.ts'
import type { Logger } from '../core/log.ts'
import { loadPlugIn, type PlugIns } from '../core/plug-ins.ts'
import type { Cache } from '../infrastructure/cache.ts'
import { modules } from './_modules.ts'
import type { AuthProvider } from './provider.ts'

/** What a provider is made from. */
export interface ProviderContext {
  config: Config
  logger: Logger
  /** For decisions that are remembered; shared between processes when `REDIS_URL` is set. */
  cache: Cache
}

/** The default export of `auth/<name>/index.ts`. */
export type ProviderFactory = (context: ProviderContext) => AuthProvider | Promise<AuthProvider>

const providers: PlugIns<ProviderFactory> = modules

/**
 * Loads and makes the provider of that name: the folder in which this file stands has its list.
 *
 * @throws ConfigurationError when there is no such provider, or it can't be made from these settings.
 */
export async function loadProvider(name: string, context: ProviderContext): Promise<AuthProvider> {
  const create = await loadPlugIn('AUTH_TYPE', name, providers, context.config)
  return create(context)
}
