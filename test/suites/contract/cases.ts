import { coercions } from './01-coercions.ts'
import { transport } from './01-transport.ts'
import { errors } from './02-errors.ts'
import { authorization } from './03-authorization.ts'
import { dataModel } from './04-data-model.ts'
import { rendered } from './04-rendering.ts'
import { values } from './04-values.ts'
import type { ContractCase } from './case.ts'

/** Every point of the contract, in its order. */
export const contractCases: readonly ContractCase[] = [
  ...transport,
  ...coercions,
  ...errors,
  ...authorization,
  ...dataModel,
  ...values,
  ...rendered,
]
