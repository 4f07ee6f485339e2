import { readFileSync } from 'node:fs'

export type Unit = 'ms' | 's' | 'rows/s' | 'req/s' | 'MB/s' | 'MB' | 'KB' | ''

export type Goal = { atMost: number } | { atLeast: number }

/** One line of the report. */
export interface Figure {
  /** The group that it belongs to: what `--only` names. */
  row: string
  work: string
  unit: Unit
  ours?: number
  /** The same work by the bare means of `limitOf`, in the same run; `ratio` is ours ÷ limit. */
  limit?: number
  limitOf?: string
  ratio?: number
  /** For the ratio, or for our figure where there is no limit. */
  wanted?: Goal
  ckan?: number
  ckanFrom?: 'stored' | 'this run'
  /** How many times better than CKAN. */
  factor?: number
  wantedFactor?: number
  reached?: boolean
  note?: string
}

export interface StoredFigure {
  value: number
  what: string
}

const file = new URL('../ckan-baseline.json', import.meta.url)
const baseline = JSON.parse(readFileSync(file, 'utf8')) as { figures: Record<string, StoredFigure> }

export function storedFigure(key: string): number {
  const figure = baseline.figures[key]
  if (!figure) throw new Error(`ckan-baseline.json has no figure "${key}"`)
  return figure.value
}

const LESS_IS_BETTER: ReadonlySet<Unit> = new Set<Unit>(['ms', 's', 'MB', 'KB'])

/** Fills in what follows from the figures. */
export function judged(figure: Figure): Figure {
  const { ours, limit, ckan, unit, wanted, wantedFactor } = figure
  if (ours === undefined) return figure
  const ratio = limit === undefined ? undefined : ours / limit
  const factor = ckan === undefined ? undefined : LESS_IS_BETTER.has(unit) ? ckan / ours : ours / ckan
  const checks = [
    ...(wanted ? [meets(ratio ?? ours, wanted)] : []),
    ...(wantedFactor !== undefined && factor !== undefined ? [factor >= wantedFactor] : []),
  ]
  return { ...figure, ratio, factor, ...(checks.length > 0 && { reached: checks.every(Boolean) }) }
}

function meets(value: number, goal: Goal): boolean {
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}
