import { useEffect, useRef, useState } from 'preact/hooks'
import type { Field } from '../api/tables.ts'
import { setQuery } from '../route.ts'
import { ColumnsMenu } from './columns-menu.tsx'
import { type Condition, OPERATORS, writeConditions } from './conditions.ts'
import type { View } from './view.ts'

const TYPING_MS = 350

/** Full text, conditions on columns, and which columns are shown. */
export function FilterBar({ fields, view }: { fields: readonly Field[]; view: View }) {
  const { conditions } = view
  const change = (list: readonly Condition[], replace = false) =>
    setQuery({ f: writeConditions(list), page: '' }, { replace })
  const first = fields[0]?.id ?? '_id'
  return (
    <div class="filter-bar">
      <div class="row">
        <Typed
          class="search"
          label="Search all columns"
          placeholder="Search all columns"
          value={view.words}
          onValue={(q) => setQuery({ q, page: '' }, { replace: true })}
        />
        <button type="button" onClick={() => change([...conditions, [first, 'eq', '']])}>
          Add filter
        </button>
        <ColumnsMenu fields={fields} hidden={view.hidden} />
        {(conditions.length > 0 || view.words !== '' || view.sort) && (
          <button type="button" class="quiet" onClick={() => setQuery({ f: '', q: '', sort: '', page: '' })}>
            Reset
          </button>
        )}
      </div>
      {conditions.length > 0 && (
        <ul class="conditions" aria-label="Filters">
          {conditions.map((condition, index) => (
            <li key={index}>
              <ConditionEditor
                fields={fields}
                condition={condition}
                onChange={(changed, typing) => change(conditions.with(index, changed), typing)}
                onRemove={() => change(conditions.toSpliced(index, 1))}
              />
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

interface ConditionEditorProps {
  fields: readonly Field[]
  condition: Condition
  onChange(condition: Condition, typing: boolean): void
  onRemove(): void
}

function ConditionEditor({ fields, condition, onChange, onRemove }: ConditionEditorProps) {
  const [column, operator, value] = condition
  return (
    <div class="condition" role="group" aria-label={`Filter on ${column}`}>
      <select
        aria-label="Column"
        value={column}
        onChange={(event) => onChange([event.currentTarget.value, operator, value], false)}
      >
        {['_id', ...fields.map(({ id }) => id)].map((id) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </select>
      <select
        aria-label="Operator"
        value={operator}
        onChange={(event) => onChange([column, event.currentTarget.value, value], false)}
      >
        {Object.entries(OPERATORS).map(([name, { label }]) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
      {OPERATORS[operator]?.takesValue && (
        <Typed
          label={`Value for ${column}`}
          placeholder={operator === 'in' ? 'one, two, three' : 'value'}
          value={value}
          onValue={(text) => onChange([column, operator, text], true)}
          focused={value === ''}
        />
      )}
      <button type="button" class="quiet icon" aria-label={`Remove the filter on ${column}`} onClick={onRemove}>
        ✕
      </button>
    </div>
  )
}

interface TypedProps {
  label: string
  placeholder: string
  value: string
  onValue(value: string): void
  class?: string
  focused?: boolean
}

/** A field that tells its value when one has stopped typing. */
function Typed({ label, value, onValue, focused = false, ...rest }: TypedProps) {
  const [text, setText] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => setText(value), [value])
  useEffect(() => {
    if (focused) input.current?.focus()
    return () => clearTimeout(timer.current)
  }, [])
  const tell = (typed: string, wait: number) => {
    setText(typed)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => onValue(typed), wait)
  }
  return (
    <input
      {...rest}
      type="search"
      ref={input}
      aria-label={label}
      value={text}
      autocomplete="off"
      spellcheck={false}
      onInput={(event) => tell(event.currentTarget.value, TYPING_MS)}
      onKeyDown={(event) => event.key === 'Enter' && tell(event.currentTarget.value, 0)}
    />
  )
}
