import type { ComponentChildren } from 'preact'

/** An error, said as soon as it is there, with a way to try again. */
export function ErrorNotice({ error, retry }: { error: Error; retry?: (() => void) | undefined }) {
  return (
    <div class="notice bad" role="alert">
      <p>{error.message}</p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

/** Where there is nothing to show: why, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  )
}

/** Something is on its way. */
export function Busy({ what }: { what: string }) {
  return (
    <p class="busy" role="status">
      <span class="spinner" aria-hidden="true" /> {what}
    </p>
  )
}
