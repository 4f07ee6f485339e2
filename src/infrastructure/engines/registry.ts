import type { Config } from '../../core/config.ts'
import type { Logger } from '../../core/log.ts'
import { loadPlugIn, type PlugIns } from '../../core/plug-ins.ts'
import { type ModuleName, modules } from './_modules.ts'
import type { CheckReport, Engine } from './engine.ts'

/** What an engine is made from. */
export interface EngineContext {
  config: Config
  logger: Logger
  /** The text of `SQL_FUNCTIONS_ALLOW_FILE`, which replaces the engine's own list of functions. */
  sqlFunctions?: string
}

/** The default export of `engines/<name>/index.ts`. */
export type EngineFactory = (context: EngineContext) => Engine | Promise<Engine>

/** What an engine's `index.ts` may export beside its factory, for the commands of a machine's owner. */
interface LocalParts {
  /**
   * The folder that this engine's data is in, where that is one that only its owner may enter: who can open the control
   * socket in it may do everything with the data already.
   */
  controlFolder?(config: Config): string
  /** That there is no data yet, as a sentence: opening the engine would make it. */
  missingData?(config: Config): string | undefined
  /** Puts a backup in the place of data that is not there yet. */
  restore?(config: Config, backup: string): Promise<CheckReport>
}

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

/** What the engine of these settings offers to the owner of the machine; nothing where its data is elsewhere. */
export async function localParts(config: Config): Promise<LocalParts> {
  const { datastoreEngine: name } = config
  await loadPlugIn('DATASTORE_ENGINE', name, engines, config)
  return (await modules[name as ModuleName]()) as LocalParts
}
