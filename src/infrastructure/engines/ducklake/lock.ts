/** The writers' lock of a lake: whoever holds it is the only one, in any process, who writes. */
export interface Lock {
  /** Runs `work` when all others are done. The lock is let go of also when this process dies. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  close(): Promise<void>
}
