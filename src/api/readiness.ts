import type { AuthProvider } from '../auth/provider.ts'
import { unlessAborted } from '../core/unless-aborted.ts'

const KEPT_MS = 1000

interface Probe {
  outcome: Promise<void>
  /** In milliseconds of `performance.now()`. */
  until: number
}

const probes = new WeakMap<AuthProvider, Probe>()

/**
 * Whether the provider can answer questions. Anybody may ask this: it is found out once for all who ask at the same time,
 * and for a second after.
 *
 * @throws What the provider's own health check throws.
 */
export function checkProvider(provider: AuthProvider, signal: AbortSignal): Promise<void> {
  let probe = probes.get(provider)
  if (!probe || performance.now() >= probe.until) {
    probe = begin(provider)
    probes.set(provider, probe)
  }
  return unlessAborted(probe.outcome, signal)
}

function begin(provider: AuthProvider): Probe {
  const probe: Probe = { outcome: check(provider), until: Number.POSITIVE_INFINITY }
  const keep = () => {
    probe.until = performance.now() + KEPT_MS
  }
  probe.outcome.then(keep, keep)
  return probe
}

const check = async (provider: AuthProvider): Promise<void> => provider.healthcheck?.()
