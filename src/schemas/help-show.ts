import { type Static, Type } from '@sinclair/typebox'
import { params, string } from './shared.ts'

/** Parameters of help_show (contract §1.8). */
export const HelpShowParams = params(
  { name: string({ description: 'Name of an action.', examples: ['datastore_search'] }) },
  { unknown: 'ignore' },
)
export type HelpShowParams = Static<typeof HelpShowParams>

export const HelpShowResult = Type.Union([Type.String(), Type.Null()])
