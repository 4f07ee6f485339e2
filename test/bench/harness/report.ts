import type { Figure, Goal } from './figures.ts'

const HEADER = ['work', 'ours', 'limit', 'ratio', 'wanted', 'CKAN', 'factor', 'wanted', 'reached']

/** The figures as a Markdown table. CKAN's are marked: `°` stored, `•` measured in this run. */
export function table(figures: readonly Figure[]): string {
  const lines = figures.map((figure) => cells(figure))
  const widths = HEADER.map((name, index) =>
    Math.max(name.length, ...lines.map((line) => (line[index] as string).length)),
  )
  const write = (line: readonly string[]) =>
    `| ${line.map((cell, index) => cell.padEnd(widths[index] as number)).join(' | ')} |`
  return [write(HEADER), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...lines.map(write)].join('\n')
}

function cells({
  work,
  unit,
  ours,
  limit,
  ratio,
  wanted,
  ckan,
  ckanFrom,
  factor,
  wantedFactor,
  reached,
  note,
}: Figure): string[] {
  return [
    work,
    ours === undefined ? `not measured: ${note}` : `${number(ours)} ${unit}`.trim(),
    limit === undefined ? '' : number(limit),
    ratio === undefined ? '' : ratio.toFixed(2),
    wanted ? goal(wanted) : '',
    ckan === undefined ? '' : `${number(ckan)}${ckanFrom === 'stored' ? '°' : '•'}`,
    factor === undefined ? '' : `${number(factor)} ×`,
    wantedFactor === undefined ? '' : `≥ ${wantedFactor} ×`,
    reached === undefined ? '' : reached ? 'yes' : 'NO',
  ]
}

function goal(wanted: Goal): string {
  return 'atMost' in wanted ? `≤ ${wanted.atMost}` : `≥ ${wanted.atLeast}`
}

/** Three digits, or all before the point. */
function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
