import { isObject } from '../../infrastructure/ckan-client.ts'
import { Failure } from '../failure.ts'

type Values = Record<string, unknown>

export interface Field {
  id: string
  type: string
  info?: object
  /** CKAN 2.11 and later. */
  schema?: { uniquekey?: unknown }
}

/** @throws Failure when an answer to `datastore_info` does not list columns. */
export function readFields(answer: Values, id: string): Field[] {
  const { fields } = answer
  if (!Array.isArray(fields) || !fields.every(isField)) throw odd('datastore_info', id, 'fields, each with id and type')
  return fields
}

/** The columns of the key, where an answer to `datastore_info` names them. */
export function readKey({ meta }: Values): string[] | undefined {
  const key = isObject(meta) ? meta.primary_key : undefined
  return Array.isArray(key) && key.every((name) => typeof name === 'string') ? key : undefined
}

/** @throws Failure when an answer to `datastore_search` has no records. */
export function readRecords({ records }: Values, id: string): Values[] {
  if (!Array.isArray(records) || !records.every(isObject)) throw odd('datastore_search', id, 'records as objects')
  return records
}

/** @throws Failure when an answer to `datastore_search` has no total. */
export function readTotal({ total }: Values, id: string): number {
  if (typeof total !== 'number' || !Number.isSafeInteger(total) || total < 0)
    throw odd('datastore_search', id, 'a total')
  return total
}

function isField(value: unknown): value is Field {
  if (!isObject(value) || typeof value.id !== 'string' || typeof value.type !== 'string') return false
  const { info, schema } = value
  return (info === undefined || info === null || isObject(info)) && (schema === undefined || isObject(schema))
}

function odd(action: string, id: string, what: string): Failure {
  return new Failure(`${id}: the answer to ${action} does not have ${what}.`)
}
