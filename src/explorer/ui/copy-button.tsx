import { useState } from 'preact/hooks'

/** Puts a text on the clipboard, and says so. */
export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [said, setSaid] = useState('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setSaid('Copied')
    } catch {
      setSaid('Press Ctrl+C')
    }
    setTimeout(() => setSaid(''), 2000)
  }
  return (
    <button type="button" onClick={copy} aria-live="polite">
      {said || label}
    </button>
  )
}
