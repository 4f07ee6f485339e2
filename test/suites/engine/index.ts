import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import { aborts } from './aborts.ts'
import { concurrency } from './concurrency.ts'
import { deletes } from './deletes.ts'
import { dumps } from './dumps.ts'
import { filters } from './filters.ts'
import type { Open, Opened } from './kit.ts'
import { Kit } from './kit.ts'
import { model } from './model.ts'
import { searches } from './searches.ts'
import { tables } from './tables.ts'
import { upserts } from './upserts.ts'
import { values } from './values.ts'

const parts = { tables, upserts, deletes, searches, filters, values, dumps, concurrency, aborts, model }

/** What every storage engine promises (engine.ts), held against one that `open` opens on an empty place. */
export function engineSuite(name: string, open: Open): void {
  describe(`the ${name} engine`, () => {
    let opened: Opened
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(() => opened?.close())
    const kit = new Kit(() => opened.engine)
    // Tables that a whole part shares were made before its first test.
    beforeEach(() => void kit.takeMade())
    afterEach(async () => opened.discard?.(kit.takeMade()))
    for (const [title, part] of Object.entries(parts)) describe(title, () => part(kit))
  })
}
