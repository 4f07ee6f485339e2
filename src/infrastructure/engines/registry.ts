import type { Config } from '../../core/config.ts'
import type { Logger } from '../../core/log.ts'
import { loadPlugIn, type PlugIns } from '../../core/plug-ins.ts'
import { modules } from './_modules.ts'
import type { Engine } from './engine.ts'

/** What an engine is made from. */
export interface EngineContext {
  config: Config
  logger: Logger
  /** The text of `SQL_FUNCTIONS_ALLOW_FILE`, which replaces the engine's own list of functions. */
  sqlFunctions?: string
}

/** The default export of `engines/<name>/index.ts`. */
export type EngineFactory = (context: EngineContext) => Engine | Promise<Engine>

const engines: PlugIns<EngineFactory> = modules

/**
 * Loads and opens the engine of that name: the folder in which this file stands has its list.
 *
 * @throws ConfigurationError when there is no such engine, or it can't be made from these settings.
 */
export async function loadEngine(name: string, context: EngineContext): Promise<Engine> {
  const create = await loadPlugIn('DATASTORE_ENGINE', name, engines, context.config)
  return create(context)
}
