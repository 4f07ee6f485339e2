/** The viewer of the API's description: its bundle brings no types. */
declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  const SwaggerUI: (options: Record<string, unknown>) => void
  export default SwaggerUI
}
