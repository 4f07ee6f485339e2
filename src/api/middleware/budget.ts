import type { Decision } from '../../auth/provider.ts'
import { TooManyRequests } from '../../core/errors.ts'
import { truncateAddress } from '../../core/network.ts'
import { clientAddress } from '../client-address.ts'
import type { Context } from '../context.ts'
import { credentialOf, identityOf } from '../credential.ts'
import type { Operation } from '../operation.ts'

/** Credentials that are remembered as somebody's. */
const MOST_KNOWN = 10_000

/**
 * Whose budget a credential draws on, by its digest and by datastore: that of the caller whom the provider has named, or
 * its own where the provider named nobody but has let it write.
 */
const known = new WeakMap<Context['service'], Map<string, string>>()

/**
 * Counts a request for data against its caller's budget, and notes what is left in the answer's headers
 * (`RateLimit`, `RateLimit-Policy`). A token counts as its caller once the provider has known it; until then, as anybody
 * can make up tokens, its address is charged.
 *
 * @throws TooManyRequests when the budget is used up.
 */
export async function chargeBudget(context: Context, operation: Operation): Promise<void> {
  const { rateLimits, config } = context.service
  if (!rateLimits || operation.permission === undefined) return
  const caller = await callerOf(context)
  const named = config.rateLimitRequests
  const limit = caller === undefined ? (config.rateLimitAnonymousRequests ?? named) : named
  if (limit === undefined) return
  const budget = await rateLimits.consume(caller ?? addressOf(context), limit)
  const policy = caller === undefined ? 'address' : 'caller'
  context.headers['RateLimit-Policy'] = `"${policy}";q=${budget.limit};w=${budget.windowSeconds}`
  context.headers.RateLimit = `"${policy}";r=${budget.remaining};t=${budget.resetSeconds}`
  if (budget.exceeded) {
    const sentence = `More than ${limit} requests within ${budget.windowSeconds} seconds: try again in ${budget.resetSeconds}.`
    throw new TooManyRequests(sentence, budget.resetSeconds)
  }
}

/** Remembers whose a credential is that the provider has just known. */
export async function noteCaller(context: Context, operation: Operation, decision: Decision): Promise<void> {
  const { service } = context
  const credential = credentialOf(context)
  if (!service.rateLimits || service.provider.open || credential === undefined) return
  // Anybody may read what is public: a yes to that does not say that the provider knows the credential.
  if (!decision.identity && operation.permission === 'read') return
  const budgets = known.get(service) ?? new Map<string, string>()
  known.set(service, budgets)
  const key = await digest(credential)
  const id = decision.identity?.id
  // Anew, so that who comes often is not the oldest.
  budgets.delete(key)
  const oldest = budgets.size >= MOST_KNOWN ? budgets.keys().next().value : undefined
  if (oldest !== undefined) budgets.delete(oldest)
  budgets.set(key, id === undefined ? `token ${key}` : `identity ${id}`)
}

/** Forgets a credential that the provider refuses, whatever it asks for: who found it spends nothing of its owner's. */
export async function forgetCaller(context: Context): Promise<void> {
  const credential = credentialOf(context)
  if (credential !== undefined) known.get(context.service)?.delete(await digest(credential))
}

async function callerOf(context: Context): Promise<string | undefined> {
  const id = identityOf(context)?.id
  if (id !== undefined) return `identity ${id}`
  const credential = credentialOf(context)
  const budgets = known.get(context.service)
  return credential === undefined || !budgets ? undefined : budgets.get(await digest(credential))
}

/** Where the host does not say who asks, all whom nobody knows share one budget. */
function addressOf(context: Context): string {
  const address = clientAddress(context)
  return `address ${address === undefined ? '' : truncateAddress(address, { ipv4: 32, ipv6: 64 })}`
}

async function digest(credential: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(credential)))
  return btoa(String.fromCharCode(...bytes))
}
