import type { Context } from '../context.ts'
import { type Operation, pathTemplate, type Reply } from '../operation.ts'
import { jsonReply } from '../respond.ts'
import { REVALIDATED } from '../versions.ts'

/** What is changed of the document that `npm run gen` writes. */
interface Description {
  info: Record<string, unknown>
  servers: { url: string }[]
  paths: Record<string, unknown>
  components: { securitySchemes: { token: Record<string, unknown> } }
}

/** `/openapi.json`: the API's description, with this server's address and settings in it. */
export async function openapi(
  { site, service: { config } }: Context,
  operations: readonly Operation[],
): Promise<Reply> {
  const { default: document } = await import('../../../openapi.json', { with: { type: 'json' } })
  const { info, paths, components, ...rest } = document as unknown as Description
  const off = operations.filter((row) => row.enabled?.(config) === false).map(pathTemplate)
  const token = { ...components.securitySchemes.token, name: config.apiTokenHeader }
  const description = {
    ...rest,
    info: { ...info, title: `${config.siteTitle} API` },
    servers: [{ url: site }],
    paths: Object.fromEntries(Object.entries(paths).filter(([path]) => !off.includes(path))),
    components: { ...components, securitySchemes: { token } },
  }
  return jsonReply(200, description, REVALIDATED)
}
