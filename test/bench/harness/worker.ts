import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

type Tasks = Record<string, (input: never) => Promise<unknown>>

/** A process of its own that does one task at a time. */
export class Worker<T extends Tasks> {
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
  }

  /** @param file - Beside this one; it calls `answerTasks`. */
  static start<T extends Tasks>(file: string): Worker<T> {
    const path = fileURLToPath(new URL(file, import.meta.url))
    return new Worker<T>(fork(path, { execArgv: ['--import', 'tsx'], serialization: 'advanced' }))
  }

  get pid(): number {
    return this.#child.pid as number
  }

  call<N extends keyof T & string>(name: N, input: Parameters<T[N]>[0]): Promise<Awaited<ReturnType<T[N]>>> {
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#child.off('message', answer)
        this.#child.off('exit', gone)
      }
      const answer = ({ error, result }: { error?: string; result?: unknown }) => {
        end()
        if (error === undefined) resolve(result as Awaited<ReturnType<T[N]>>)
        else reject(new Error(error))
      }
      const gone = () => {
        end()
        reject(new Error(`the process ended during "${name}"`))
      }
      this.#child.once('message', answer)
      this.#child.once('exit', gone)
      this.#child.send({ name, input })
    })
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
  }
}

/** The other side: does what it is told until it is stopped. */
export function answerTasks(tasks: Tasks): void {
  process.on('message', async ({ name, input }: { name: string; input: never }) => {
    try {
      const result = await tasks[name]?.(input)
      process.send?.({ result })
    } catch (error) {
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  process.on('disconnect', () => process.exit())
}
