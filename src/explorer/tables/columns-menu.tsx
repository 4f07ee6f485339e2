import { useState } from 'preact/hooks'
import type { Field } from '../api/tables.ts'
import { setQuery } from '../route.ts'

/** From so many columns on they can be looked for. */
const MANY = 12

/** Which columns are shown. */
export function ColumnsMenu({ fields, hidden }: { fields: readonly Field[]; hidden: readonly string[] }) {
  const [wanted, setWanted] = useState('')
  const hide = (names: readonly string[]) => setQuery({ hide: names.join('\n') })
  const found = fields.filter(({ id }) => id.toLowerCase().includes(wanted.toLowerCase()))
  const shown = fields.length - hidden.length
  return (
    <details class="menu">
      <summary>Columns {hidden.length > 0 && <span class="count">{`${shown} of ${fields.length}`}</span>}</summary>
      <div class="menu-body">
        {fields.length > MANY && (
          <input
            type="search"
            aria-label="Find a column"
            placeholder="Find a column"
            value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)}
          />
        )}
        <p class="row">
          <button type="button" disabled={hidden.length === 0} onClick={() => hide([])}>
            Show all
          </button>
          <button type="button" disabled={shown <= 1} onClick={() => hide(fields.slice(1).map(({ id }) => id))}>
            Hide all but the first
          </button>
        </p>
        <ul>
          {found.map(({ id, type }) => (
            <li key={id}>
              <label>
                <input
                  type="checkbox"
                  checked={!hidden.includes(id)}
                  disabled={shown === 1 && !hidden.includes(id)}
                  onChange={(event) =>
                    hide(event.currentTarget.checked ? hidden.filter((name) => name !== id) : [...hidden, id])
                  }
                />
                <span dir="auto">{id}</span> <small>{type}</small>
              </label>
            </li>
          ))}
        </ul>
      </div>
    </details>
  )
}
