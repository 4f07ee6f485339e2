import type { Context } from '../context.ts'
import { describeDefect } from '../errors.ts'
import type { Answer, Reply } from '../operation.ts'
import { checkHealth } from '../readiness.ts'
import { helpUrl, jsonReply } from '../respond.ts'

/** `/` (contract §9.10). */
export function root({ service }: Context): Answer {
  return { result: { message: service.config.appMessage } }
}

/** `/health`: the process answers. */
export function health(): Answer {
  return { result: { status: 'ok' } }
}

/** `/ready`: what the process needs answers, too. */
export async function ready(context: Context): Promise<Answer | Reply> {
  const { engine, provider, logger } = context.service
  const { signal } = context.request
  try {
    await Promise.all([engine, provider].map((needed) => checkHealth(needed, signal)))
    return { result: { status: 'ready' } }
  } catch (error) {
    logger.warning('not ready', { requestId: context.requestId, ...describeDefect(error) })
    return jsonReply(503, { help: helpUrl(context), success: false, result: { status: 'not_ready' } })
  }
}

/** `/api`, `/api/3`: which version of CKAN's API a path speaks (contract §1.1). */
export function apiVersion({ url }: Context): Reply {
  const version = /\/([123])\/*$/.exec(url.pathname)?.[1] ?? '1'
  return jsonReply(200, { version: Number(version) })
}
