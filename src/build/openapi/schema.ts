import type { TObject } from '@sinclair/typebox'
import type { UnknownPolicy } from '../../schemas/shared.ts'

/** JSON Schema as plain JSON. */
export type JsonSchema = { [keyword: string]: unknown }

/** What the schemas of parameters say beside JSON Schema. */
const OURS = new Set(['coerce', 'alias', 'blankIsAbsent', 'nullMistake', 'unknown', 'rules', 'operation'])

/** A TypeBox schema as the JSON Schema of OpenAPI 3.1, without what only this program understands. */
export function jsonSchema(schema: object): JsonSchema {
  return strip(JSON.parse(JSON.stringify(schema))) as JsonSchema
}

/** The parameters of an operation as one object. An alias is told of in words: a client needs one name. */
export function paramsSchema(params: TObject, leaveOut: readonly string[] = []): JsonSchema {
  const properties = Object.entries(params.properties)
    .filter(([name]) => !leaveOut.includes(name))
    .map(([name, property]) => [name, paramSchema(property)])
  const required = (params.required ?? []).filter((name: string) => !leaveOut.includes(name))
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required }),
    ...((params.unknown as UnknownPolicy) === 'reject' && { additionalProperties: false }),
  }
}

/** One parameter. */
export function paramSchema(property: JsonSchema): JsonSchema {
  const { description, alias } = property
  const words = [description, alias === undefined ? undefined : `Also called \`${alias}\`.`].filter(Boolean).join(' ')
  return { ...jsonSchema(property), ...(words && { description: words }) }
}

function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strip)
  if (typeof value !== 'object' || value === null) return value
  const { patternProperties, ...rest } = value as JsonSchema
  const kept = Object.entries(rest).filter(([key]) => !OURS.has(key))
  const members = Object.fromEntries(kept.map(([key, item]) => [key, key === 'examples' ? item : strip(item)]))
  return patternProperties === undefined ? members : { ...members, ...anyMembers(patternProperties as JsonSchema) }
}

/** A record of anything: TypeBox writes it with a pattern that matches every name. */
function anyMembers(patterns: JsonSchema): JsonSchema {
  const [schema = {}] = Object.values(patterns)
  return { additionalProperties: Object.keys(schema as object).length === 0 ? true : strip(schema) }
}
