#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { readEnvFile } from '../../src/cli/local/settings.ts'
import { isCommand, runCommand } from '../../src/cli/run.ts'
import { VERSION } from '../../src/core/_version.ts'
import { ConfigurationError, DatastoreError } from '../../src/core/errors.ts'
import type { Running } from './open.ts'

const USAGE = `ckan-datastore [command] [options]

Commands
  serve                start the server (the default)
  load FILE            fill a table of a running server from a file; see load --help
  dump ID              write a table of a running server to a file; see dump --help
  backup FILE          write all data of this moment into a file, while the server goes on
  restore FILE         put a backup in the place of data that is not there yet
  check                read all data and compare it with the metadata
  import-ckan          copy the tables of a CKAN; see import-ckan --help
  maintain             merge small files and delete what nobody needs (engines with maintenance)
  purge --ckan         remove tables whose resource CKAN no longer has; see purge --help
  adopt-bigquery       take over the tables of the Python service in BigQuery; see adopt-bigquery --help

Options
  --env-file PATH      read settings from this file instead of ./.env; the real environment wins
  --help               show this
  --version            show the version
`

const OPTIONS = {
  'env-file': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

await main()

async function main(): Promise<void> {
  const [name, ...rest] = process.argv.slice(2)
  if (isCommand(name)) process.exit(await runCommand(name, rest).catch(fail))
  try {
    const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true })
    if (values.help) return void process.stdout.write(USAGE)
    if (values.version) return void process.stdout.write(`${VERSION}\n`)
    const [command = 'serve', ...others] = positionals
    if (command !== 'serve' || others.length > 0) {
      throw new ConfigurationError([`There is no command "${positionals.join(' ')}". See ckan-datastore --help.`])
    }
    await runServer(values['env-file'])
  } catch (error) {
    fail(error)
  }
}

/** What went wrong, and exit code 1. Not by waiting for the process to end: an engine may keep it alive. */
function fail(error: unknown): never {
  process.stderr.write(`${plain(error)}\n`)
  process.exit(1)
}

/** For an engine that can't stop: an orderly exit would wait for it. */
function kill(error: unknown): void {
  process.stderr.write(`${plain(error)}\n`)
  process.kill(process.pid, 'SIGKILL')
}

async function runServer(envFile: string | undefined): Promise<void> {
  const { serve } = 'Bun' in globalThis ? await import('../bun/serve.ts') : await import('./serve.ts')
  const running = await serve({ env: { ...readEnvFile(envFile), ...process.env } })
  process.stdout.write(greeting(running))
  const stop = () => running.close().then(() => process.exit(0), kill)
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

function greeting({ url, service: { config, engine, provider } }: Running): string {
  const site = `${url.replace('//0.0.0.0', '//localhost').replace('//[::]', '//localhost')}${config.basePath}`
  const writers = provider.open
    ? 'everybody who reaches this address (no authorization)'
    : `whom ${provider.name} permits`
  const token = provider.open ? '' : ` -H '${config.apiTokenHeader}: <your token>'`
  const body = '{"resource_id": "hello", "records": [{"name": "world"}]}'
  return [
    `ckan-datastore ${VERSION} listens on ${url}${config.basePath}`,
    `  engine     ${engine.name}, data in ${engine.location}`,
    `  may write  ${writers}`,
    ...(config.explorerEnabled ? [`  explorer   ${site}/`] : []),
    `  try        curl -s ${site}/api/3/action/datastore_create -H 'Content-Type: application/json'${token} -d '${body}'`,
    '',
  ].join('\n')
}

/** What this program and its engine say in sentences; anything else is a defect and keeps its stack. */
function plain(error: unknown): string {
  if (error instanceof ConfigurationError || error instanceof DatastoreError) return error.message
  if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
    return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
