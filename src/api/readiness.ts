import { unlessAborted } from '../core/unless-aborted.ts'

const KEPT_MS = 1000

interface Probe {
  outcome: Promise<void>
  /** In milliseconds of `performance.now()`. */
  until: number
}

/** An engine, or a provider. */
interface Needed {
  healthcheck?(): Promise<void>
}

const probes = new WeakMap<Needed, Probe>()

/**
 * Whether what the process needs can answer. Anybody may ask this: it is found out once for all who ask at the same time,
 * and for a second after.
 *
 * @throws What its own health check throws.
 */
export function checkHealth(needed: Needed, signal: AbortSignal): Promise<void> {
  let probe = probes.get(needed)
  if (!probe || performance.now() >= probe.until) {
    probe = begin(needed)
    probes.set(needed, probe)
  }
  return unlessAborted(probe.outcome, signal)
}

function begin(needed: Needed): Probe {
  const probe: Probe = { outcome: check(needed), until: Number.POSITIVE_INFINITY }
  const keep = () => {
    probe.until = performance.now() + KEPT_MS
  }
  probe.outcome.then(keep, keep)
  return probe
}

const check = async (needed: Needed): Promise<void> => needed.healthcheck?.()
