import { writeFile } from 'node:fs/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import { DuckDBInstance } from '@duckdb/node-api'
import { answerTasks } from './worker.ts'

let connection: DuckDBConnection

const tasks = {
  async open({ path, settings = {} }: { path: string; settings?: Record<string, string> }): Promise<void> {
    const instance = await DuckDBInstance.create(path, settings)
    connection = await instance.connect()
    await connection.run("SET TimeZone = 'UTC'")
  },
  /** Runs each statement to its end; answers the milliseconds that each took. */
  async time(statements: readonly string[]): Promise<number[]> {
    const times: number[] = []
    for (const statement of statements) {
      const start = performance.now()
      await connection.runAndReadAll(statement)
      times.push(performance.now() - start)
    }
    return times
  },
  /** The first value of the first row, as a text. */
  async value(statement: string): Promise<string> {
    const reader = await connection.runAndReadAll(statement)
    return String(reader.getRows()[0]?.[0])
  },
  /** Writes that text into a file. */
  async write({ statement, file, before = '', after = '' }: Record<string, string>): Promise<void> {
    await writeFile(file as string, before + (await tasks.value(statement as string)) + after)
  },
}

export type BareTasks = typeof tasks

answerTasks(tasks)
