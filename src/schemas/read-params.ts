import type { Static, TObject, TSchema } from '@sinclair/typebox'
import { type ErrorDetail, ValidationError } from '../core/errors.ts'
import { type CoercerName, coercers, Mistake, type RawParams } from './coerce.ts'
import type { ParamOptions, Rule, UnknownPolicy } from './shared.ts'

export interface ReadParams<T> {
  params: T
  /** Parameters that the action does not know and does not refuse. */
  extras: Record<string, unknown>
  /** One sentence for each of them, where the action's policy is to warn. */
  warnings: string[]
}

export type { RawParams }

interface Property extends TSchema, ParamOptions {
  coerce: CoercerName
  enum?: readonly string[]
}

/**
 * Reads one action's parameters: aliases, null and blank as absent, CKAN's coercions (contract §1.4), defaults and
 * rules over several parameters. All mistakes are gathered into one `ValidationError`; a nested list of the wrong
 * shape is an `IntegrityError`.
 */
export function readParams<T extends TObject>(schema: T, raw: RawParams): ReadParams<Static<T>> {
  const detail: ErrorDetail = {}
  const params: Record<string, unknown> = {}
  const known = new Set<string>()
  for (const [name, property] of Object.entries(schema.properties) as [string, Property][]) {
    known.add(name)
    if (property.alias) known.add(property.alias)
    try {
      const value = readProperty(name, property, raw, schema.required?.includes(name) ?? false)
      if (value !== undefined) params[name] = value
    } catch (error) {
      if (!(error instanceof Mistake)) throw error
      detail[name] = [...error.sentences]
    }
  }
  const extras = Object.fromEntries(Object.entries(raw).filter(([name]) => !known.has(name)))
  const warnings = judgeExtras(Object.keys(extras), schema.unknown as UnknownPolicy, detail)
  for (const rule of (schema.rules ?? []) as readonly Rule[]) Object.assign(detail, { ...rule(params), ...detail })
  if (Object.keys(detail).length > 0) throw new ValidationError(detail)
  return { params: params as Static<T>, extras, warnings }
}

function readProperty(name: string, property: Property, raw: RawParams, required: boolean): unknown {
  const sent = pick(name, property.alias, raw)
  const blank = sent === '' && (property.blankIsAbsent || property.default !== undefined)
  const value = sent === null || sent === undefined || blank ? undefined : read(name, property, sent, raw)
  if (value !== undefined && !(required && value === '')) return value
  if (required) throw new Mistake(sent === null && property.nullMistake ? property.nullMistake : 'Missing value')
  return property.default
}

function read(name: string, property: Property, sent: unknown, raw: RawParams): unknown {
  return coercers[property.coerce](sent, { name, raw, choices: property.enum })
}

/** The parameter under either name. Both with different values contradict each other (contract §10.2 row 55). */
function pick(name: string, alias: string | undefined, raw: RawParams): unknown {
  const own = raw[name]
  const other = alias === undefined ? undefined : raw[alias]
  if (other === undefined || other === null || other === '') return own === undefined ? other : own
  if (own === undefined || own === null || own === '') return other
  if (own !== other) throw new Mistake(`${name} and ${alias} are the same parameter, but differ`)
  return own
}

function judgeExtras(names: readonly string[], policy: UnknownPolicy, detail: ErrorDetail): string[] {
  if (policy === 'warn') return names.map((name) => `The parameter "${name}" is unknown here and was ignored.`)
  if (policy === 'reject' && names.length > 0) detail.__extras = names.map((name) => `invalid value "${name}"`)
  return []
}
