import { useEffect, useRef, useState } from 'preact/hooks'
import type { Value } from '../api/json.ts'
import type { Field } from '../api/tables.ts'
import { type ChartChoice, type ChartKind, numericFields, suggestChart } from './suggest.ts'

const KINDS: Record<ChartKind, string> = { bar: 'Bars', line: 'Line', scatter: 'Points' }

/** A chart of the rows that are shown; its library is fetched when the first one is asked for. */
export function ChartPanel({ fields, rows }: { fields: readonly Field[]; rows: readonly Value[][] }) {
  const suggested = suggestChart(fields, rows)
  const [chosen, setChosen] = useState<Partial<ChartChoice>>({})
  if (!suggested) return <p class="soft chart-none">A chart needs two rows or more, and a column of numbers.</p>
  const names = fields.map(({ id }) => id)
  const known = Object.entries(chosen).filter(([part, name]) => part === 'kind' || names.includes(String(name)))
  const choice: ChartChoice = { ...suggested, ...Object.fromEntries(known) }
  const along = choice.kind === 'scatter' ? numericFields(fields, rows).map(({ id }) => id) : names
  return (
    <section class="chart" aria-label="Chart">
      <div class="row">
        <Select
          label="Kind"
          value={choice.kind}
          options={Object.keys(KINDS)}
          shown={(kind) => KINDS[kind as ChartKind]}
          onValue={(kind) => setChosen({ ...chosen, kind: kind as ChartKind })}
        />
        <Select label="Along" value={choice.x} options={along} onValue={(x) => setChosen({ ...chosen, x })} />
        <Select
          label="Up"
          value={choice.y}
          options={numericFields(fields, rows).map(({ id }) => id)}
          onValue={(y) => setChosen({ ...chosen, y })}
        />
      </div>
      <Drawing choice={choice} fields={fields} rows={rows} />
    </section>
  )
}

interface DrawingProps {
  choice: ChartChoice
  fields: readonly Field[]
  rows: readonly Value[][]
}

function Drawing({ choice, fields, rows }: DrawingProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [failed, setFailed] = useState(false)
  const { kind, x, y } = choice
  useEffect(() => {
    let remove: (() => void) | undefined
    let gone = false
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const redraw = async () => {
      const { draw } = await import('./draw.ts')
      remove?.()
      if (!gone && canvas.current) remove = draw(canvas.current, choice, fields, rows)
    }
    const start = () => void redraw().catch(() => setFailed(true))
    start()
    dark.addEventListener('change', start)
    return () => {
      gone = true
      dark.removeEventListener('change', start)
      remove?.()
    }
  }, [kind, x, y, fields, rows])
  if (failed) return <p role="alert">The chart could not be loaded. Check the connection and open it again.</p>
  return (
    <div class="canvas">
      <canvas ref={canvas} role="img" aria-label={`${KINDS[kind]}: ${y} by ${x}, ${rows.length} rows`} />
    </div>
  )
}

interface SelectProps {
  label: string
  value: string
  options: readonly string[]
  shown?: (option: string) => string
  onValue(value: string): void
}

function Select({ label, value, options, shown = (option) => option, onValue }: SelectProps) {
  return (
    <label>
      {label}{' '}
      <select value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option} value={option}>
            {shown(option)}
          </option>
        ))}
      </select>
    </label>
  )
}
