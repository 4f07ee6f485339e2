import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { reasonWithoutLake, reasonWithoutPostgresLake } from '../../services/extensions.ts'
import type { PostgresServer } from '../../services/postgres.ts'
import { startPostgres } from '../../services/postgres.ts'
import { Kit } from '../../suites/engine/kit.ts'
import { makeLake, openEngine } from './open.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const claimOf = ({ env }: { env: Record<string, string> }) =>
  join(env.DUCKLAKE_DATA_PATH as string, 'ckan-datastore.json')

describe.skipIf(reasonWithoutPostgresLake() !== undefined)("a data path is one catalog's", () => {
  let postgres: PostgresServer
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres?.close())

  test('a copy of the catalog is refused, until it is said that the first one is not used any more', async () => {
    const lake = await makeLake(() => postgres.createDatabase())
    const address = new URL(lake.env.DUCKLAKE_CATALOG as string)
    const [database, role] = [address.pathname.slice(1), decodeURIComponent(address.username)]
    const engine = await openEngine(lake.env)
    const kit = new Kit(() => engine)
    const id = await kit.make({ k: 'int' }, [{ k: 1 }])
    await engine.close()
    postgres.query(`CREATE DATABASE copy TEMPLATE ${database} OWNER ${role}`)
    address.pathname = '/copy'
    const copy = { ...lake.env, DUCKLAKE_CATALOG: address.href }

    const refused = await openEngine(copy).catch((error: Error) => error)
    expect(refused).toMatchObject({ code: 'ERR_CONFIGURATION' })
    expect((refused as Error).message).toMatch(
      new RegExp(`belongs to the catalog postgres://.*/${database}, .* delete .*ckan-datastore\\.json`),
    )
    const again = await openEngine(lake.env)
    rmSync(claimOf(lake))
    const taken = await openEngine(copy)
    expect(await new Kit(() => taken).counted(id)).toBe(1)
    expect(readFileSync(claimOf(lake), 'utf8')).toContain('/copy')
    // Whoever ran on deletes nothing.
    await expect(again.maintain?.()).rejects.toThrow(/belongs to the catalog .*\/copy/)
    await taken.maintain?.()
    for (const each of [again, taken]) await each.close()
    postgres.query('DROP DATABASE copy')
    await lake.close()
  })

  test('a role that may not ask for the number of the system claims by the address', async () => {
    postgres.query('REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC', 'template1')
    const lake = await makeLake(() => postgres.createDatabase())
    postgres.query('GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC', 'template1')
    await (await openEngine(lake.env)).close()
    await (await openEngine(lake.env)).close()
    expect(readFileSync(claimOf(lake), 'utf8')).toMatch(/schema ducklake"/)
    await lake.close()
  })

  test('a lake from before there were claims is claimed at the next start', async () => {
    const lake = await makeLake(() => postgres.createDatabase())
    await (await openEngine(lake.env)).close()
    rmSync(claimOf(lake))
    await (await openEngine(lake.env)).close()
    expect(existsSync(claimOf(lake))).toBe(true)
    await lake.close()
  })

  test('a claim that can not be read is not taken for ours', async () => {
    const lake = await makeLake(() => postgres.createDatabase())
    await (await openEngine(lake.env)).close()
    rmSync(claimOf(lake))
    writeFileSync(claimOf(lake), 'x')
    await expect(openEngine(lake.env)).rejects.toThrow(/belongs to the catalog that its file does not name/)
    await lake.close()
  })
})

test.skipIf(reasonWithoutLake() !== undefined)('a new lake in a SQLite file takes only an empty place', async () => {
  const lake = await makeLake((folder) => `sqlite:${join(folder, 'catalog.sqlite')}`)
  const engine = await openEngine(lake.env)
  await new Kit(() => engine).make({ k: 'int' }, [{ k: 1 }])
  await engine.close()
  rmSync(join(lake.folder, 'catalog.sqlite'))
  await expect(openEngine(lake.env)).rejects.toThrow(/is not empty \(.*\.parquet\)/)
  await expect(
    openEngine({ ...lake.env, DUCKLAKE_CATALOG: `sqlite:${join(lake.folder, 'other.sqlite')}` }),
  ).rejects.toThrow(/belongs to the catalog sqlite:.*catalog\.sqlite/)
  await lake.close()
})
