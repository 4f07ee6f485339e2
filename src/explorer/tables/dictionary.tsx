import type { Value } from '../api/json.ts'
import type { TableInfo } from '../api/tables.ts'
import { textOf } from '../ui/format.ts'

const SHOWN_APART = new Set(['name', 'type', 'title', 'label', 'description', 'notes'])

/** What the columns of a table are and mean. */
export function Dictionary({ table }: { table: TableInfo }) {
  const declared = new Map(table.schema.fields.map((field) => [textOf(field.name), field]))
  return (
    <div class="scrolls">
      <table class="dictionary">
        <caption class="sr-only">Columns of {table.id}</caption>
        <thead>
          <tr>
            <th scope="col">Column</th>
            <th scope="col">Type</th>
            <th scope="col">Meaning</th>
            <th scope="col">More</th>
          </tr>
        </thead>
        <tbody>
          {table.fields.map(({ id, type, info = {} }) => {
            const known = { ...info, ...declared.get(id) }
            return (
              <tr key={id}>
                <th scope="row" dir="auto">
                  {id}
                  {table.primaryKey.includes(id) && <span class="badge">key</span>}
                </th>
                <td>
                  <code>{type}</code>
                </td>
                <td dir="auto">
                  <Meaning known={known} />
                </td>
                <td>
                  <More known={known} />
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function Meaning({ known }: { known: Record<string, Value> }) {
  const title = textOf(known.title ?? known.label)
  const words = textOf(known.description ?? known.notes)
  if (title === '' && words === '') return <span class="null">not described</span>
  return (
    <>
      {title && <strong>{title}</strong>}
      {words && <p>{words}</p>}
    </>
  )
}

function More({ known }: { known: Record<string, Value> }) {
  const rest = Object.entries(known).filter(([name, value]) => !SHOWN_APART.has(name) && textOf(value) !== '')
  return (
    <dl class="pairs">
      {rest.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd dir="auto">{textOf(value)}</dd>
        </div>
      ))}
    </dl>
  )
}
