import type { Encoding } from './versions.ts'

/** What a client takes. */
export interface Accepted {
  /** The encoding that it likes best, and at least as well as none. */
  encoding?: Encoding
  /** It refuses what is not encoded, and takes this encoding. */
  required: boolean
}

const NONE: Accepted = { required: false }
/** Everybody takes what is not encoded, but likes least what was not named. */
const UNNAMED = 0.0001

/**
 * Reads `Accept-Encoding` (RFC 9110 §12.5.3). A client that takes nothing that there is gets the answer as it is.
 *
 * @param offered - What there is, the better first: it counts where a client likes two alike.
 */
export function readAcceptEncoding(header: string | null, offered: readonly Encoding[]): Accepted {
  if (!header) return NONE
  const weights = new Map(header.split(',').map(readItem))
  const any = weights.get('*')
  const weightOf = (name: string) => weights.get(name) ?? weights.get(`x-${name}`) ?? any ?? 0
  const identity = weights.get('identity') ?? any ?? UNNAMED
  const best = Math.max(0, ...offered.map(weightOf))
  if (best === 0 || best < identity) return NONE
  return { encoding: offered.find((name) => weightOf(name) === best), required: identity === 0 }
}

/** `gzip;q=0.5` → gzip and 0.5. A weight that can't be read permits nothing. */
function readItem(item: string): [string, number] {
  const [name = '', ...parameters] = item
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  return [name, weight === undefined ? 1 : /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0]
}
