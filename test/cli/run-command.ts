import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { program } from '../fixtures/program.ts'

export interface CommandResult {
  code: number
  stdout: string
  stderr: string
}

/** Runs the program as its users do: a process of its own. */
export async function runCommand(
  args: readonly string[],
  { cwd, env = {}, input }: { cwd: string; env?: Record<string, string>; input?: string },
): Promise<CommandResult> {
  const { PATH } = process.env
  const [node, ...before] = program
  const child = spawn(node, [...before, ...args], { cwd, env: { PATH, ...env } })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (output.stdout += chunk))
  child.stderr.on('data', (chunk) => (output.stderr += chunk))
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code, ...output }
}
