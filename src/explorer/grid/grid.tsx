import { useMemo, useRef, useState } from 'preact/hooks'
import type { Value } from '../api/json.ts'
import type { Field } from '../api/tables.ts'
import { isNumeric } from '../ui/format.ts'
import { cellText, columnWidth, stretched } from './cell-text.ts'
import { type At, HEADER, moved } from './move.ts'
import { px, useVirtual } from './use-virtual.ts'

export interface Sort {
  column: string
  descending: boolean
}

interface GridProps {
  /** What it shows, for a screen reader. */
  label: string
  fields: readonly Field[]
  rows: readonly Value[][]
  /** The number of the first row in the whole result, from 0. */
  offset?: number
  total?: number | undefined
  sort?: Sort | undefined
  /** Absent where rows can't be sorted. */
  onSort?: (column: string) => void
  onOpen(row: number): void
  busy?: boolean
}

const ROW = 32
const HEAD = 48

/** Rows and columns of which only those in sight are in the page. The arrow keys move; Enter sorts or opens. */
export function Grid({ label, fields, rows, offset = 0, total, sort, onSort, onOpen, busy = false }: GridProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const [active, setActive] = useState<At>({ row: HEADER, column: 0 })
  const needed = useMemo(() => fields.map((field, column) => columnWidth(field, column, rows)), [fields, rows])
  const vertical = useVirtual({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    scrollMargin: HEAD,
    scrollPaddingStart: HEAD,
    overscan: 8,
  })
  const widths = stretched(needed, vertical.scrollRect?.width ?? 0)
  const horizontal = useVirtual({
    count: fields.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => widths[index] ?? 100,
    getItemKey: (index) => `${fields[index]?.id} ${widths[index]}`,
    horizontal: true,
    overscan: 3,
  })
  const columns = horizontal.getVirtualItems()
  const width = px(horizontal.getTotalSize())

  const go = (to: At) => {
    setActive(to)
    if (to.row !== HEADER) vertical.scrollToIndex(to.row, { align: 'auto' })
    horizontal.scrollToIndex(to.column, { align: 'auto' })
  }
  const enter = ({ row, column }: At) => {
    const field = fields[column]
    if (row !== HEADER) onOpen(row)
    else if (field) onSort?.(field.id)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' || event.key === ' ') enter(active)
    else {
      const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW) - 2)
      const to = moved(active, event, { rows: rows.length, columns: fields.length, page })
      if (!to) return
      go(to)
    }
    event.preventDefault()
  }
  const cellId = ({ row, column }: At) => `cell-${row}-${column}`
  const isActive = (row: number, column: number) => active.row === row && active.column === column

  return (
    <div
      ref={scroller}
      class={`grid ${busy ? 'stale' : ''}`}
      role="grid"
      tabIndex={0}
      aria-label={label}
      aria-busy={busy}
      aria-rowcount={(total ?? offset + rows.length) + 1}
      aria-colcount={fields.length}
      aria-activedescendant={cellId(active)}
      onKeyDown={onKeyDown}
    >
      <div class="grid-head" role="row" aria-rowindex={1} style={{ width }}>
        {columns.map(({ index, start, size }) => (
          <HeaderCell
            key={index}
            id={cellId({ row: HEADER, column: index })}
            field={fields[index] as Field}
            column={index}
            place={{ left: px(start), width: px(size) }}
            active={isActive(HEADER, index)}
            sort={sort}
            {...(onSort && { onSort })}
          />
        ))}
      </div>
      <div class="grid-body" role="rowgroup" style={{ width, height: px(vertical.getTotalSize()) }}>
        {vertical.getVirtualItems().map(({ index: row, start: top }) => (
          <div
            key={row}
            role="row"
            class="grid-row"
            aria-rowindex={offset + row + 2}
            style={{ top: px(top - HEAD), width }}
          >
            {columns.map(({ index: column, start, size }) => {
              const value = rows[row]?.[column]
              const kind = value === null ? 'null' : isNumeric(fields[column]?.type ?? '') ? 'number' : ''
              return (
                <div
                  key={column}
                  id={cellId({ row, column })}
                  role="gridcell"
                  class={`cell ${kind} ${isActive(row, column) ? 'active' : ''}`}
                  aria-colindex={column + 1}
                  dir="auto"
                  style={{ left: px(start), width: px(size) }}
                  onClick={() => setActive({ row, column })}
                  onDblClick={() => onOpen(row)}
                >
                  {value === null ? 'null' : cellText(value)}
                </div>
              )
            })}
          </div>
        ))}
      </div>
    </div>
  )
}

interface HeaderCellProps {
  id: string
  field: Field
  column: number
  place: { left: string; width: string }
  active: boolean
  sort: Sort | undefined
  onSort?: (column: string) => void
}

function HeaderCell({ id, field, column, place, active, sort, onSort }: HeaderCellProps) {
  const direction = sort?.column === field.id ? (sort.descending ? 'descending' : 'ascending') : 'none'
  const mark = { ascending: '▲', descending: '▼', none: '' }[direction]
  return (
    <div
      id={id}
      role="columnheader"
      class={`cell head ${isNumeric(field.type) ? 'number' : ''} ${active ? 'active' : ''} ${onSort ? 'sortable' : ''}`}
      aria-colindex={column + 1}
      {...(onSort && { 'aria-sort': direction as 'none' })}
      style={place}
      title={field.id}
      onClick={() => onSort?.(field.id)}
    >
      <span class="name" dir="auto">
        {field.id}
      </span>
      <span class="mark" aria-hidden="true">
        {mark}
      </span>
      <span class="type">{field.type}</span>
    </div>
  )
}
