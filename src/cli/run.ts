import type { ArgDef, ArgsDef, CommandDef, ParsedArgs } from 'citty'
import { Failure, UsageError } from './failure.ts'

/** A command: some talk to a server over HTTP, some do something with the data on this machine. */
export interface Command<T extends ArgsDef = ArgsDef> {
  meta: { name: string; description: string }
  args: T
  run(args: ParsedArgs<T>): Promise<void>
}

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  load: async () => (await import('./load.ts')).load as unknown as Command,
  dump: async () => (await import('./dump.ts')).dump as unknown as Command,
  backup: async () => (await import('./backup.ts')).backup as unknown as Command,
  restore: async () => (await import('./restore.ts')).restore as unknown as Command,
  check: async () => (await import('./check.ts')).check as unknown as Command,
  'import-ckan': async () => (await import('./import-ckan.ts')).importCkan as unknown as Command,
  maintain: async () => (await import('./maintain.ts')).maintain as unknown as Command,
  purge: async () => (await import('./purge.ts')).purge as unknown as Command,
  'adopt-bigquery': async () => (await import('./adopt-bigquery.ts')).adoptBigquery as unknown as Command,
}

export function isCommand(name: string | undefined): name is string {
  return name !== undefined && Object.hasOwn(commands, name)
}

/** Runs a command; answers the exit code: 0, 1 after a failure, 2 for a call that makes no sense. */
export async function runCommand(name: string, rawArgs: string[]): Promise<number> {
  const wantsJson = rawArgs.includes('--json')
  try {
    const { parseArgs, renderUsage } = await import('citty')
    const command = await (commands[name] as () => Promise<Command>)()
    if (rawArgs.includes('--help') || rawArgs.includes('-h')) {
      process.stdout.write(`${await renderUsage({ meta: command.meta, args: command.args } as CommandDef)}\n`)
      return 0
    }
    checkFlags(command, rawArgs)
    await command.run(parsed(() => parseArgs(rawArgs, command.args)))
    return 0
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (wantsJson && error.detail !== undefined) process.stdout.write(`${JSON.stringify(error.detail)}\n`)
    process.stderr.write(`${error.message}\n`)
    if (error instanceof UsageError) process.stderr.write(`See ckan-datastore ${name} --help.\n`)
    return error.exitCode
  }
}

/** What citty has to say about arguments is about the call. */
function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function checkFlags({ args }: Command, rawArgs: readonly string[]): void {
  const positionals = Object.values(args).filter(({ type }) => type === 'positional').length
  let bare = 0
  for (let at = 0; at < rawArgs.length; at++) {
    const [, flag, value] = /^--?([a-z][\w-]*)(=.*)?$/i.exec(rawArgs[at] as string) ?? []
    if (flag === undefined) {
      bare += 1
      continue
    }
    const definition = definitionOf(args, flag)
    if (!definition) throw new UsageError(`There is no option --${flag}.`)
    if (definition.type === 'boolean' || value !== undefined) continue
    at += 1
    if (rawArgs[at] === undefined) throw new UsageError(`The option --${flag} needs a value.`)
  }
  if (bare > positionals) throw new UsageError('There are more arguments than the command takes.')
}

function definitionOf(args: ArgsDef, flag: string): ArgDef | undefined {
  const found = Object.entries(args).find(([name, definition]) =>
    [name, aliasOf(definition)].flat().includes(flag),
  )?.[1]
  return found?.type === 'positional' ? undefined : found
}

function aliasOf(definition: ArgDef): string | string[] {
  return ('alias' in definition ? definition.alias : undefined) ?? []
}
