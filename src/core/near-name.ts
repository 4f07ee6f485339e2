/**
 * The known name that an unknown one was probably meant to be, or undefined. Case and underscores don't count; one
 * slip in five letters is forgiven, and names shorter than six letters are left alone (`PATH` is not `PORT`).
 */
export function nearName(name: string, known: readonly string[]): string | undefined {
  const squeezed = squeeze(name)
  if (squeezed.length < 6) return undefined
  let nearest: string | undefined
  let fewest = Math.floor(squeezed.length / 5) + 1
  for (const candidate of known) {
    const slips = distance(squeezed, squeeze(candidate))
    if (slips < fewest) [nearest, fewest] = [candidate, slips]
  }
  return nearest ?? completion(name, known)
}

/** `HTTP_TIMEOUT` → `HTTP_TIMEOUT_SECONDS`, when there is only one such name. */
function completion(name: string, known: readonly string[]): string | undefined {
  if (!name.includes('_')) return undefined
  const longer = known.filter((candidate) => candidate.startsWith(`${name.toUpperCase()}_`))
  return longer.length === 1 ? longer[0] : undefined
}

function squeeze(name: string): string {
  return name.replaceAll('_', '').toUpperCase()
}

/** Inserted, dropped, changed and swapped letters between two words. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let slips = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) slips = Math.min(slips, (beforeLast[j - 2] ?? 0) + 1)
      row.push(slips)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
