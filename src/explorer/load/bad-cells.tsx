import { count } from '../ui/format.ts'
import type { BadCell } from './send-file.ts'

/** The cells that could not be stored, and why. */
export function BadCells({ cells }: { cells: readonly BadCell[] }) {
  return (
    <div class="scrolls">
      <table class="bad-cells">
        <caption>Bad cells{cells.length >= 100 && ': the first 100'}</caption>
        <thead>
          <tr>
            <th scope="col">Line</th>
            <th scope="col">Column</th>
            <th scope="col">Value</th>
            <th scope="col">What is wrong</th>
          </tr>
        </thead>
        <tbody>
          {cells.map(({ row, line, column, value, sentence }) => (
            <tr key={`${row} ${column}`}>
              <td>{line === undefined ? `row ${count(row)}` : count(line)}</td>
              <td dir="auto">{column ?? '–'}</td>
              <td dir="auto">
                <code>{value?.slice(0, 100) ?? ''}</code>
              </td>
              <td>{sentence}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
