import type { Config } from '../../core/config.ts'
import {
  ConfigurationError,
  DatastoreError,
  NotAuthorized,
  NotImplemented,
  ServiceUnavailable,
} from '../../core/errors.ts'
import { type CkanClient, createCkanClient } from '../../infrastructure/ckan-client.ts'
import type { BackupFile, CheckReport, Engine, MaintenanceReport } from '../../infrastructure/engines/engine.ts'
import { type PurgeReport, purge, WrongCatalogue } from '../../services/purge.ts'

/** What the owner of a machine may have done with all of the data, by a server that runs or without one. */
export interface Tasks {
  backup(): Promise<BackupFile>
  check(): Promise<CheckReport>
  maintain(options: { forget?: boolean }): Promise<MaintenanceReport>
  /** With a token CKAN is asked as its user, who must be a sysadmin. */
  purge(options: { dryRun?: boolean; force?: boolean; token?: string }): Promise<PurgeReport>
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
    async purge({ token: credential, ...options }) {
      const { ckanUrl, httpTimeoutSeconds } = config
      if (ckanUrl === undefined)
        throw new ConfigurationError([
          'CKAN_URL is not set: which CKAN is to be asked? While a server has the data open, its settings count.',
        ])
      const client = createCkanClient({ ckanUrl, httpTimeoutSeconds })
      if (credential !== undefined) await mustBeSysadmin(client, credential)
      const lookUp = (id: string) => client.call('resource_show', { id }, { credential, isQuestion: true })
      return purge(engine, { lookUp, ...options })
    },
  }
}

/** To anybody else CKAN, or an extension of its, may deny that a resource is there. An expired token is nobody's. */
async function mustBeSysadmin(client: CkanClient, credential: string): Promise<void> {
  try {
    await client.call('config_option_list', {}, { credential, isQuestion: true })
  } catch (error) {
    if (!(error instanceof NotAuthorized)) throw error
    throw new ConfigurationError([
      'The token is not that of a sysadmin of CKAN, or it has expired: CKAN may hide resources from it as if they were gone. Nothing was removed.',
    ])
  }
}

/** What may be told of a failure; nothing else is a sentence for people. */
export const isTold = (error: unknown): error is Error =>
  error instanceof DatastoreError || error instanceof ConfigurationError || error instanceof WrongCatalogue
