/** What stops a command: one sentence for people, and what a script gets with `--json`. */
export class Failure extends Error {
  readonly exitCode: number
  readonly detail: unknown

  constructor(message: string, options: { exitCode?: number; detail?: unknown; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.exitCode = options.exitCode ?? 1
    this.detail = options.detail
  }
}

/** The command was called in a way that it does not know: exit code 2. */
export class UsageError extends Failure {
  constructor(message: string) {
    super(message, { exitCode: 2 })
  }
}
