import type { Config } from '../../core/config.ts'
import { ConfigurationError, DatastoreError, NotImplemented, ServiceUnavailable } from '../../core/errors.ts'
import { createCkanClient } from '../../infrastructure/ckan-client.ts'
import type { BackupFile, CheckReport, Engine, MaintenanceReport } from '../../infrastructure/engines/engine.ts'
import { type PurgeReport, purge, WrongCatalogue } from '../../services/purge.ts'

/** What the owner of a machine may have done with all of the data, by a server that runs or without one. */
export interface Tasks {
  backup(): Promise<BackupFile>
  check(): Promise<CheckReport>
  maintain(options: { forget?: boolean }): Promise<MaintenanceReport>
  purge(options: { dryRun?: boolean; force?: boolean }): Promise<PurgeReport>
}

/** The tasks on an open engine. */
export function tasksOf(engine: Engine, config: Config): Tasks {
  const missing = (what: string) => new NotImplemented(`The ${engine.name} engine has no ${what} of its own.`)
  return {
    async backup() {
      if (!engine.supports.backup || !engine.backup) throw missing('backup')
      return engine.backup()
    },
    async check() {
      if (!engine.supports.check || !engine.check) throw missing('check')
      return engine.check()
    },
    async maintain({ forget }) {
      if (!engine.supports.maintain || !engine.maintain) throw missing('maintenance')
      const report = await engine.maintain({ forget })
      if (!report) throw new ServiceUnavailable('Another process maintains the data just now.')
      return report
    },
    async purge(options) {
      const { ckanUrl, httpTimeoutSeconds } = config
      if (ckanUrl === undefined)
        throw new ConfigurationError([
          'CKAN_URL is not set: which CKAN is to be asked? While a server has the data open, its settings count.',
        ])
      const client = createCkanClient({ ckanUrl, httpTimeoutSeconds })
      const lookUp = (id: string) => client.call('resource_show', { id }, { isQuestion: true })
      return purge(engine, { lookUp, ...options })
    },
  }
}

/** What may be told of a failure; nothing else is a sentence for people. */
export const isTold = (error: unknown): error is Error =>
  error instanceof DatastoreError || error instanceof ConfigurationError || error instanceof WrongCatalogue
