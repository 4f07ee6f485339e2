import { type Static, type TSchema, Type } from '@sinclair/typebox'

/** Where the action is explained: absolute. */
const HelpUrl = Type.String({ pattern: '^https?://' })

/** What a successful call answers (contract §1.6). */
export const SuccessEnvelope = <T extends TSchema>(result: T) =>
  Type.Object({
    help: HelpUrl,
    success: Type.Literal(true),
    result,
    warnings: Type.Optional(Type.Array(Type.String())),
  })

/** What a failed call answers: CKAN's keys on `error`, and a message beside them (contract §10.3). */
export const ErrorEnvelope = Type.Object({
  help: HelpUrl,
  success: Type.Literal(false),
  error: Type.Object({ __type: Type.String(), message: Type.Unknown() }),
})
export type ErrorEnvelope = Static<typeof ErrorEnvelope>

/** A request that could not even be read: a bare string (contract §1.2, §1.3). */
export const BadRequestBody = Type.String({ pattern: '^Bad request: ' })
