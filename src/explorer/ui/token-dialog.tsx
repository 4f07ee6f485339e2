import { useState } from 'preact/hooks'
import { setToken, token } from '../api/token.ts'
import { Dialog } from './dialog.tsx'

/** Where a token is entered, and forgotten. */
export function TokenDialog({ onClose }: { onClose(): void }) {
  const [text, setText] = useState(token.value)
  const done = (value: string) => {
    setToken(value)
    onClose()
  }
  return (
    <Dialog title="Token" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          done(text)
        }}
      >
        <p>
          <label for="token">The token that says who you are</label>
          <input
            id="token"
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </p>
        <p class="soft">It is kept in this tab until you close it, sent to this server, and nowhere else.</p>
        <div class="row">
          <button type="submit" class="primary">
            Use it
          </button>
          <button type="button" disabled={token.value === ''} onClick={() => done('')}>
            Forget it
          </button>
        </div>
      </form>
    </Dialog>
  )
}
