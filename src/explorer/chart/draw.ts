import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  ScatterController,
  Tooltip,
} from 'chart.js'
import type { Value } from '../api/json.ts'
import type { Field } from '../api/tables.ts'
import { numberOf, textOf } from '../ui/format.ts'
import type { ChartChoice } from './suggest.ts'

Chart.register(BarController, BarElement, LineController, LineElement, ScatterController, PointElement)
Chart.register(CategoryScale, LinearScale, Legend, Tooltip)

/** More marks than that can't be told apart. */
const MARKS = 2000
const LABEL = 40

/** Draws a chart, and answers how to take it away. */
export function draw(
  canvas: HTMLCanvasElement,
  { kind, x, y }: ChartChoice,
  fields: readonly Field[],
  rows: readonly Value[][],
): () => void {
  // A canvas takes no variables: the styles hold the colors where they come out as such.
  const { color: brand, outlineColor: ink, borderTopColor: line } = getComputedStyle(canvas)
  const [along, up] = [x, y].map((name) => fields.findIndex(({ id }) => id === name)) as [number, number]
  const shown = rows.slice(0, MARKS)
  const points = shown.map((row) => ({ x: numberOf(row[along]) ?? Number.NaN, y: numberOf(row[up]) ?? Number.NaN }))
  const labels = shown.map((row) => textOf(row[along]).slice(0, LABEL))
  const axis = (title: string) => ({
    title: { display: true, text: title.slice(0, LABEL), color: ink },
    ticks: { color: ink, maxTicksLimit: 12 },
    grid: { color: line },
  })
  const chart = new Chart(canvas, {
    type: kind,
    data: {
      ...(kind !== 'scatter' && { labels }),
      datasets: [
        {
          label: y.slice(0, LABEL),
          data: kind === 'scatter' ? points : points.map((point) => point.y),
          backgroundColor: brand,
          borderColor: brand,
          borderWidth: kind === 'line' ? 2 : 0,
          pointRadius: kind === 'line' && shown.length > 60 ? 0 : 3,
        },
      ],
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      responsive: true,
      plugins: { legend: { display: false } },
      scales: { x: axis(x), y: axis(y) },
    },
  } as never)
  return () => chart.destroy()
}
