import type { Config } from '../core/config.ts'
import type { Bytes, Engine } from '../infrastructure/engines/engine.ts'
import type { KeptAnswers } from '../infrastructure/kept-answers.ts'
import type { DumpFiles } from './dump-files.ts'

/** What a service works with. */
export interface ServiceContext {
  engine: Engine
  config: Config
  /** Where downloads are kept, if they are. */
  dumpFiles?: DumpFiles
  /** Results of statements that can be given again, if they are kept. */
  results?: Pick<KeptAnswers, 'get' | 'set'>
}

/** What a service answers: the result, and beside it the records that are already written. */
export interface Answered {
  result: Record<string, unknown>
  records?: Bytes
  /** `array`: JSON values separated by commas, without brackets. `string`: text that becomes one JSON string. */
  recordsAs?: 'array' | 'string'
  /** The name of the records in the result; `records` unless said. */
  recordsKey?: 'records' | 'deleted_records'
  rows?: number
  /** Sentences for the caller. */
  warnings: string[]
}

/** An SQL answer also knows its statement at another OFFSET, where paging by it makes sense. */
export interface AnsweredSql extends Answered {
  sqlAt?: (offset: number) => string
}
