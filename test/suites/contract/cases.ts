import { coercions } from './01-coercions.ts'
import { transport } from './01-transport.ts'
import { errors } from './02-errors.ts'
import { authorization } from './03-authorization.ts'
import { dataModel } from './04-data-model.ts'
import { rendered } from './04-rendering.ts'
import { values } from './04-values.ts'
import { filters } from './05-filters.ts'
import { fullText } from './06-full-text.ts'
import { search } from './07-search.ts'
import { create } from './08-create.ts'
import { deletion } from './08-delete.ts'
import { dump } from './08-dump.ts'
import { sqlAndInfo } from './08-sql-info.ts'
import { upsert } from './08-upsert.ts'
import { constraints } from './09-constraints.ts'
import { seed } from './09-seed.ts'
import { differences } from './10-differences.ts'
import type { ContractCase } from './case.ts'
import { clients } from './clients.ts'

/** Every point of the contract, in its order. */
export const contractCases: readonly ContractCase[] = [
  ...transport,
  ...coercions,
  ...errors,
  ...authorization,
  ...dataModel,
  ...values,
  ...rendered,
  ...filters,
  ...fullText,
  ...search,
  ...create,
  ...upsert,
  ...deletion,
  ...sqlAndInfo,
  ...dump,
  ...seed,
  ...constraints,
  ...differences,
  ...clients,
]
