import { changeColumns } from './retype.ts'
import { aliasTables } from './sql.ts'
import type { Storage } from './store.ts'

/** Tables in a file that this process alone has open. */
export const fileStorage: Storage = {
  keepsOrder: true,
  jsonItems: 'JSON',
  async transaction(session, _id, work, committed) {
    const result = await session.transaction(work)
    committed(result)
    return result
  },
  changeColumns,
  expose: async (_session, tables) => aliasTables(tables),
  checkNames() {},
  async checkValues() {},
}
