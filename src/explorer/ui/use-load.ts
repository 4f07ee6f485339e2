import { useCallback, useEffect, useState } from 'preact/hooks'

export interface Loaded<T> {
  data?: T
  error?: Error
  loading: boolean
  reload(): void
}

/** Loads something, and again when its key changes. What was loaded before stays until the new is there. */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ data?: T; error?: Error; loading: boolean }>({ loading: true })
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    const controller = new AbortController()
    setState(({ data }) => ({ ...(data !== undefined && { data }), loading: true }))
    load(controller.signal).then(
      (data) => controller.signal.aborted || setState({ data, loading: false }),
      (error) => controller.signal.aborted || setState({ error, loading: false }),
    )
    return () => controller.abort()
  }, [key, attempt])
  return { ...state, reload: useCallback(() => setAttempt((number) => number + 1), []) }
}
