import { setQuery } from '../route.ts'
import { count } from '../ui/format.ts'
import { SIZES, type View } from './view.ts'

interface PagerProps {
  view: View
  shown: number
  total: number | undefined
}

/** Which rows are shown, and the way to the others. */
export function Pager({ view: { page, size }, shown, total }: PagerProps) {
  const offset = (page - 1) * size
  const pages = total === undefined ? undefined : Math.max(1, Math.ceil(total / size))
  const go = (to: number) => setQuery({ page: to <= 1 ? '' : String(to) })
  const isLast = pages === undefined ? shown < size : page >= pages
  const range = shown === 0 ? 'No rows' : `Rows ${count(offset + 1)}–${count(offset + shown)}`
  return (
    <nav class="pager" aria-label="Pages">
      <p role="status">
        {range}
        {total !== undefined && ` of ${count(total)}`}
      </p>
      <label>
        per page{' '}
        <select value={size} onChange={(event) => setQuery({ size: event.currentTarget.value, page: '' })}>
          {SIZES.map((item) => (
            <option key={item} value={item}>
              {item}
            </option>
          ))}
        </select>
      </label>
      <span class="row">
        <button type="button" aria-label="First page" disabled={page <= 1} onClick={() => go(1)}>
          «
        </button>
        <button type="button" aria-label="Previous page" disabled={page <= 1} onClick={() => go(page - 1)}>
          ‹
        </button>
        <span class="page">
          Page {count(page)}
          {pages !== undefined && ` of ${count(pages)}`}
        </span>
        <button type="button" aria-label="Next page" disabled={isLast} onClick={() => go(page + 1)}>
          ›
        </button>
        <button
          type="button"
          aria-label="Last page"
          disabled={isLast || pages === undefined}
          onClick={() => go(pages ?? page)}
        >
          »
        </button>
      </span>
    </nav>
  )
}
