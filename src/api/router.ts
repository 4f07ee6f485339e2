import { type IRequest, IttyRouter } from 'itty-router'
import { BadRequest, MethodNotAllowed, NotFound } from '../core/errors.ts'
import { readParams } from '../schemas/read-params.ts'
import { admit, grant } from './auth.ts'
import { type Caller, type Context, openContext, type Service, timed } from './context.ts'
import { renderError } from './errors.ts'
import { chargeBudget } from './middleware/budget.ts'
import { guardHosts } from './middleware/host-guard.ts'
import type { Answer, Operation, Reply } from './operation.ts'
import { readRawParams } from './parameters.ts'
import { remember } from './remembered-answers.ts'
import { success } from './respond.ts'
import { operations } from './routes.ts'
import { send } from './send.ts'

/** Answers one request. Never throws. */
export type Fetch = (request: Request, caller?: Caller) => Promise<Response>

const NOTHING_HERE = 'There is nothing at this address.'

const PAGE_METHODS = ['GET', 'HEAD', 'OPTIONS']
const ACTION_METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST']
const WRITE_METHODS = ['OPTIONS', 'POST']

/** One web-standard function over the operation table. */
export function createFetch(service: Service): Fetch {
  const router = createRouter(service)
  return async (request, caller = {}) => {
    const context = openContext(service, request, caller)
    try {
      const target = { method: request.method, url: request.url } as IRequest
      const reply: Reply | undefined = await router.fetch(target, context)
      return await send(context, reply ?? renderError(context, new NotFound(NOTHING_HERE)))
    } catch (error) {
      return send(context, renderError(context, error))
    } finally {
      for (const release of context.finally) release()
    }
  }
}

function createRouter({ config }: Service) {
  const router = IttyRouter<IRequest, [Context], Promise<Reply>>({ base: config.basePath })
  const actions = new Map<string, Operation>()
  for (const operation of operations) {
    if (operation.enabled?.(config) === false) continue
    if (operation.kind === 'action') actions.set(operation.name, operation)
    for (const path of operation.paths ?? []) {
      const methods = operation.readOnly ? PAGE_METHODS : WRITE_METHODS
      router.all(path, ({ params }, context) => answer(context, operation, methods, params))
    }
  }
  const action = ({ params: { name = '' } }: IRequest, context: Context) =>
    answerAction(context, actions.get(name), name)
  router.all('/api/3/action/:name', action)
  router.all('/api/action/:name', action)
  return router
}

async function answerAction(context: Context, operation: Operation | undefined, name: string): Promise<Reply> {
  const { method } = context.request
  if (operation) return answer(context, operation, operation.readOnly ? ACTION_METHODS : WRITE_METHODS)
  if (method === 'OPTIONS') return allow(ACTION_METHODS)
  if (!ACTION_METHODS.includes(method)) throw new MethodNotAllowed(method, ACTION_METHODS)
  throw new BadRequest(`Action name not known: ${name}`)
}

/** The way of every operation: method, host, parameters, boundary policy, handler. */
async function answer(
  context: Context,
  operation: Operation,
  methods: readonly string[],
  pathParams: Record<string, string | undefined> = {},
): Promise<Reply> {
  context.operation = operation
  checkMethod(context, operation, methods)
  if (context.request.method === 'OPTIONS') return allow(methods)
  guardHosts(context, operation)
  admit(context, operation)
  await chargeBudget(context, operation)
  const sent = await timed(context, 'read', () => readRawParams(context, operation))
  const raw = { ...sent, ...decode(pathParams) }
  const { params, extras, warnings } = readParams(operation.params, raw)
  context.params = params
  const granted = await timed(context, 'authorize', () => grant(context, operation, params))
  const memory = await remember(context, operation, granted, raw)
  if (memory?.known) return memory.known
  const outcome = await timed(context, 'run', () => operation.handle({ context, params, extras, raw }, granted))
  if (!isAnswer(outcome)) return outcome
  const reply = success(context, operation, { ...outcome, warnings: [...warnings, ...(outcome.warnings ?? [])] })
  return memory?.keep(reply) ?? reply
}

function checkMethod({ request }: Context, { kind, readOnly }: Operation, methods: readonly string[]): void {
  const { method } = request
  if (methods.includes(method)) return
  if (!readOnly && kind === 'action' && (method === 'GET' || method === 'HEAD')) {
    throw new BadRequest('JSON Error: Invalid request. Please use POST method for your request')
  }
  throw new MethodNotAllowed(method, methods)
}

function allow(methods: readonly string[]): Reply {
  return { status: 200, headers: { Allow: methods.join(', ') }, body: new Uint8Array() }
}

/** Ids in a path come percent-encoded; what can't be decoded names nothing. */
function decode(pathParams: Record<string, string | undefined>): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(pathParams).map(([name, value]) => [name, decodeURIComponent(value ?? '')]),
    )
  } catch {
    throw new NotFound(NOTHING_HERE)
  }
}

function isAnswer(outcome: Answer | Reply): outcome is Answer {
  return 'result' in outcome
}
