import { CredentialRefused } from '../auth/denial.ts'
import type { Decision, Question } from '../auth/provider.ts'
import { NotAuthorized, NotFound, TableNotFound, ValidationError } from '../core/errors.ts'
import type { Table } from '../infrastructure/engines/engine.ts'
import { splitFileName } from '../services/file-formats.ts'
import { TABLE_METADATA } from '../services/table-metadata.ts'
import { versionOf } from '../services/versions.ts'
import { guardAliases } from './aliases.ts'
import type { Context } from './context.ts'
import { credentialOf, identityOf } from './credential.ts'
import { inTheirWords, inWordsOfSql } from './denials.ts'
import { forgetCaller, noteCaller } from './middleware/budget.ts'
import type { Grants, Operation, Target } from './operation.ts'

type Params = Record<string, unknown>
type Policy<T extends Target> = (context: Context, operation: Operation, params: Params) => Promise<Grants[T]>

/**
 * The boundary policy: every operation passes through here after its parameters were checked and before anything is
 * done (contract §3.1). Reads without a credential are the provider's to decide; writes need one, unless nobody
 * decides (`provider.open`) or the host already knows the caller.
 */
export async function grant(context: Context, operation: Operation, params: Params): Promise<Grants[Target]> {
  admit(context, operation)
  return policies[operation.target](context, operation, params)
}

/** What is asked, and in which order, for each kind of target. */
const policies: { [T in Target]: Policy<T> } = {
  async none(_context, operation) {
    if (operation.permission !== undefined) throw new TypeError(`${operation.name} needs a permission on nothing`)
    return undefined
  },

  async table(context, operation, params) {
    const asked = params.resource_id as string
    context.resource = asked
    const table = await describe(context, operation, asked)
    if (!table) throw new TableNotFound(asked, operation.noun)
    const decision = await ask(context, operation, { resourceId: table.id }).catch((error) => {
      throw inTheirWords(error, { asked, id: table.id, operation })
    })
    context.resource = table.id
    const { engine } = context.service
    const version = await versionOf(engine, table, params, { signal: context.request.signal })
    return { table: version, decision }
  },

  async download(context, operation, params) {
    const name = splitFileName(params.resource_id as string)
    if (!name || (await describe(context, operation, params.resource_id as string)))
      return policies.table(context, operation, params)
    return { ...(await policies.table(context, operation, { ...params, resource_id: name.base })), format: name.format }
  },

  async searchable(context, operation, params) {
    if (params.resource_id !== TABLE_METADATA) return policies.table(context, operation, params)
    const mayRead = (id: string) => isAllowed(put(context, operation, { resourceId: id }))
    return { listing: { everything: context.service.provider.open === true, mayRead } }
  },

  async resource(context, operation, params) {
    const id = params.resource_id as string
    context.resource = id
    const decision = await ask(context, operation, { resourceId: id })
    if (!operation.readOnly) guardReadOnly(decision, params)
    const table = await describe(context, operation, id)
    if (table?.id !== id) throw new TableNotFound(id)
    return { table, decision }
  },

  async declaration(context, operation, params) {
    const resource = params.resource as Params | undefined
    const id = params.resource_id as string | undefined
    context.resource = id
    const about = resource ? { packageId: resource.package_id as string } : { resourceId: id }
    const decision = await ask(context, operation, about)
    if (id !== undefined) guardReadOnly(decision, params)
    await guardAliases(context, id, params.aliases as string[] | undefined, (alias) =>
      ask(context, { ...operation, permission: 'update' }, { resourceId: alias }),
    )
    return { decision }
  },

  async load(context, operation, params) {
    const id = params.resource_id as string
    context.resource = id
    const found = await describe(context, operation, id)
    const table = found?.id === id ? found : undefined
    const decision = await ask(context, table ? operation : { ...operation, permission: 'create' }, { resourceId: id })
    guardReadOnly(decision, params)
    return { decision, ...(table && { table }) }
  },

  async statement(context, operation) {
    return { authorizeTable: (table) => authorizeTable(context, operation, table) }
  },
}

/** A denial is a no; anything else that goes wrong is no answer. */
async function isAllowed(decision: Promise<Decision>): Promise<boolean> {
  try {
    await decision
    return true
  } catch (error) {
    if (error instanceof NotAuthorized || error instanceof NotFound) return false
    throw error
  }
}

/**
 * Refuses whom no provider would let in, whatever is asked about: without a provider everybody, and without a
 * credential every write. Needs no parameters, and so spares the reading of a body.
 */
export function admit(context: Context, operation: Operation): void {
  const { refusal, provider } = context.service
  if (operation.permission === undefined) return
  if (refusal !== undefined) throw new NotAuthorized(refusal)
  if (operation.permission === 'read' || provider.open) return
  if (credentialOf(context) === undefined && identityOf(context) === undefined) {
    throw new NotAuthorized(`Action ${operation.name} requires an authenticated user`)
  }
}

type About = Pick<Question, 'resourceId' | 'packageId'>

/** Asks, and notes the yes: the request is about that. */
async function ask(context: Context, operation: Operation, about: About): Promise<Decision> {
  const decision = await put(context, operation, about).catch(async (error) => {
    if (error instanceof CredentialRefused) await forgetCaller(context)
    throw error
  })
  context.decisions.push({ ...decision, resourceId: about.resourceId })
  await noteCaller(context, operation, decision)
  return decision
}

async function put(context: Context, operation: Operation, about: About): Promise<Decision> {
  if (operation.permission === undefined) throw new TypeError(`${operation.name} names no permission`)
  return context.service.provider.authorize({
    ...about,
    permission: operation.permission,
    credential: credentialOf(context),
    identity: identityOf(context),
    signal: context.request.signal,
  })
}

async function authorizeTable(context: Context, operation: Operation, table: Table): Promise<void> {
  await ask(context, operation, { resourceId: table.id }).catch((error) => {
    throw inWordsOfSql(error)
  })
  context.resource = context.resource === undefined ? table.id : `${context.resource},${table.id}`
}

function describe(
  { service, request }: Context,
  { readOnly }: Operation,
  idOrAlias: string,
): Promise<Table | undefined> {
  return service.engine.describe(idOrAlias, { signal: request.signal, toWrite: !readOnly })
}

const READ_ONLY =
  'Cannot edit read-only resource because changes made may be lost. Use a resource created for editing ' +
  'e.g. with datastore_create or use "force=True" to ignore this warning.'

/** A resource whose data comes from elsewhere is only written with `force` (contract §3.2). */
function guardReadOnly({ resource }: Decision, params: Params): void {
  if (!resource || !('url_type' in resource) || resource.url_type === 'datastore' || params.force === true) return
  throw new ValidationError({ 'read-only': [READ_ONLY] })
}
