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
import { versions } from './versions.ts'

const parts = { tables, upserts, deletes, searches, filters, values, dumps, concurrency, aborts, model, versions }

export interface EngineSuiteOptions {
  /** Tests that this engine can't pass where it is run, by `part > … > name`, each with the reason. */
  gaps?: Readonly<Record<string, string>>
  /** Parts that are run; all of them unless told. */
  only?: readonly (keyof typeof parts)[]
}

/** What every storage engine promises (engine.ts), held against one that `open` opens on an empty place. */
export function engineSuite(name: string, open: Open, { gaps = {}, only }: EngineSuiteOptions = {}): void {
  describe(`the ${name} engine`, () => {
    let opened: Opened
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(() => opened?.close())
    const kit = new Kit(() => opened.engine)
    beforeEach(({ task, skip }) => {
      // Tables that a whole part shares were made before its first test.
      kit.takeMade()
      const reason = gaps[titleOf(task)]
      if (reason !== undefined) skip(reason)
    })
    afterEach(async () => opened.discard?.(kit.takeMade()))
    for (const [title, part] of Object.entries(parts)) {
      if (!only || only.includes(title as keyof typeof parts)) describe(title, () => part(kit))
    }
  })
}

interface Task {
  name: string
  suite?: Task | undefined
}

/** `values > jsonb > comes out as the contract says` */
function titleOf({ name, suite }: Task): string {
  return suite && !/^the \S+ engine$/.test(suite.name) ? `${titleOf(suite)} > ${name}` : name
}
