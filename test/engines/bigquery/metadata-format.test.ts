import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VERSION } from '../../../src/core/_version.ts'
import { reasonWithoutBigquery } from '../../services/bigquery.ts'
import { Kit } from '../../suites/engine/kit.ts'
import { behind } from './behind.ts'
import { openBigquery, openOn } from './open.ts'

const reason = reasonWithoutBigquery()

describe.skipIf(reason !== undefined)(`the format of the metadata${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let opened: Awaited<ReturnType<typeof openBigquery>>
  const kit = new Kit(() => opened.engine)
  beforeAll(async () => {
    opened = await openBigquery()
  }, 60_000)
  afterAll(() => opened?.close())

  /** Whether a process that starts now can read, and what it says if not. */
  async function started(id: string): Promise<string | undefined> {
    const engine = await openOn(opened.services)
    try {
      return (await engine.describe(id))?.id
    } finally {
      await engine.close()
    }
  }

  test('is written where there is none: in a new dataset, and in one of the first version', async () => {
    const id = await kit.make({ k: 'int' }, [{ k: 1 }])
    await behind(opened.services, 'DROP TABLE _datastore_format')
    expect(await started(id)).toBe(id)
    expect(await behind(opened.services, 'SELECT version, service FROM _datastore_format')).toEqual([['1', VERSION]])
  })

  test('that is newer is refused with the version to update to', async () => {
    const id = await kit.make({ k: 'int' }, [{ k: 1 }])
    await behind(opened.services, "INSERT INTO _datastore_format VALUES (2, '9.9.9')")
    await expect(started(id)).rejects.toMatchObject({
      status: 503,
      message:
        'The dataset was written by a newer version of this service (ckan-datastore 9.9.9, metadata format 2, this one reads 1): update it.',
    })
    await behind(opened.services, 'DELETE FROM _datastore_format WHERE version = 2')
    expect(await started(id)).toBe(id)
  })
})
