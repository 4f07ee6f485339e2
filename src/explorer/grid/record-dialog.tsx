import { useState } from 'preact/hooks'
import type { Value } from '../api/json.ts'
import type { Field } from '../api/tables.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { count, prettyText } from '../ui/format.ts'

interface RecordDialogProps {
  title: string
  fields: readonly Field[]
  values: readonly Value[]
  onClose(): void
}

/** One record, each of its values whole. */
export function RecordDialog({ title, fields, values, onClose }: RecordDialogProps) {
  return (
    <Dialog title={title} onClose={onClose} wide>
      <dl class="record">
        {fields.map((field, index) => (
          <RecordValue key={field.id} field={field} value={values[index] ?? null} />
        ))}
      </dl>
    </Dialog>
  )
}

/** What is shown of a text before somebody asks for the rest. */
const SHOWN = 2_000

function RecordValue({ field, value }: { field: Field; value: Value }) {
  const [whole, setWhole] = useState(false)
  const text = prettyText(value)
  const cut = !whole && text.length > SHOWN
  return (
    <div>
      <dt>
        <span dir="auto">{field.id}</span> <small>{field.type}</small>
      </dt>
      <dd>
        {value === null ? <span class="null">null</span> : <pre dir="auto">{cut ? text.slice(0, SHOWN) : text}</pre>}
        {text.length > SHOWN && (
          <p class="row">
            {cut && (
              <button type="button" onClick={() => setWhole(true)}>
                Show all {count(text.length)} characters
              </button>
            )}
            <CopyButton text={text} />
          </p>
        )}
      </dd>
    </div>
  )
}
