import { createLogger } from '../../core/log.ts'
import { loadEngine, localParts } from '../../infrastructure/engines/registry.ts'
import { Failure } from '../failure.ts'
import { runningTasks } from './control.ts'
import { readSettings } from './settings.ts'
import { isTold, type Tasks, tasksOf } from './tasks.ts'

/**
 * Has something done with the data of these settings: by the server that has it open, or, when none runs, by opening it
 * for so long.
 */
export async function withTasks<T>(args: { 'env-file'?: string }, work: (tasks: Tasks) => Promise<T>): Promise<T> {
  return told(async () => {
    const config = readSettings(args)
    const parts = await localParts(config)
    const folder = parts.controlFolder?.(config)
    const running = folder === undefined ? undefined : await runningTasks(folder)
    if (running) return work(running)
    const missing = parts.missingData?.(config)
    if (missing !== undefined) throw new Failure(missing)
    const logger = createLogger({ logLevel: 'ERROR' }, ({ rawMessage }) => process.stderr.write(`${rawMessage}\n`))
    const engine = await loadEngine(config.datastoreEngine, { config, logger })
    try {
      return await work(tasksOf(engine, config))
    } finally {
      await engine.close()
    }
  })
}

/** What was refused in sentences is a failure of the command, not a defect. */
export async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isTold(error) ? new Failure(error.message, { cause: error }) : error
  }
}
