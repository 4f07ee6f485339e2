import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test, vi } from 'vitest'
import { extensionFolder } from '../../../src/build/extensions.ts'
import type { LogRecord } from '../../../src/core/log.ts'
import { reasonWithoutLake } from '../../services/extensions.ts'
import { Kit } from '../../suites/engine/kit.ts'
import { makeLake, openEngine } from './open.ts'

vi.setConfig({ testTimeout: 120_000 })

const reason = reasonWithoutLake()

test.skipIf(reason !== undefined)(
  `a lake of the format before is brought to today's, a newer one refused${reason ? ` (skipped: ${reason})` : ''}`,
  async () => {
    const lake = await makeLake((folder) => `sqlite:${folder}/catalog.sqlite`)
    /** Runs statements on the lake that no service has open. */
    const behind = async (...statements: string[]) => {
      const instance = await DuckDBInstance.create(':memory:', { extension_directory: extensionFolder() })
      const connection = await instance.connect()
      for (const sql of [
        'LOAD ducklake',
        'LOAD sqlite',
        `ATTACH 'ducklake:sqlite:${lake.folder}/catalog.sqlite' AS lake`,
      ])
        await connection.run(sql)
      for (const sql of statements) await connection.run(sql)
      connection.closeSync()
      instance.closeSync()
    }
    /** Opens the lake as a process does, works, and answers what was logged about formats. */
    const open = async (work: (kit: Kit) => Promise<void>) => {
      const log: LogRecord[] = []
      const engine = await openEngine(lake.env, log)
      await work(new Kit(() => engine)).finally(() => engine.close())
      return log.map(({ rawMessage }) => rawMessage).filter((line) => line.includes('format'))
    }
    try {
      let id = ''
      const made = await open(async (kit) => {
        id = await kit.make({ k: 'int' }, [{ k: 1 }])
      })
      expect(made).toEqual([])
      await behind(
        'DELETE FROM lake._datastore_format',
        'ALTER TABLE lake._datastore_format DROP COLUMN service',
        'INSERT INTO lake._datastore_format VALUES (1)',
      )
      const read = async (kit: Kit) => expect(await kit.values(id, 'k')).toEqual([1])
      expect(await open(read)).toEqual([expect.stringContaining('from format 1 to format 2')])
      expect(await open(read)).toEqual([])
      await behind("INSERT INTO lake._datastore_format VALUES (3, '9.9.9')")
      await expect(open(read)).rejects.toThrow(
        /newer version of this service \(ckan-datastore 9\.9\.9, metadata format 3/,
      )
    } finally {
      await lake.close()
    }
  },
)
