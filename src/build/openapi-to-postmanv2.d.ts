/** The part of the library that is used: it brings no types. */
declare module 'openapi-to-postmanv2' {
  interface Conversion {
    result: boolean
    reason?: string
    output?: { type: string; data: unknown }[]
  }

  export function convertV2(
    input: { type: 'json'; data: object },
    options: Record<string, unknown>,
    callback: (error: Error | null, conversion?: Conversion) => void,
  ): void
}
