import type { ParsedArgs } from 'citty'
import { Failure, UsageError } from './failure.ts'
import { actionsOf } from './import/actions.ts'
import { type Copied, copyTable } from './import/copy-table.ts'
import { openSource } from './import/source.ts'
import { showProgress } from './progress.ts'
import { serverOf, Unreachable } from './server.ts'

const DEFAULT_TIMEOUT_SECONDS = 120
/** After so many tables in a row for which a server did not answer, the others are not tried. */
const MOST_UNREACHABLE = 3

const args = {
  url: { type: 'string', description: 'Address of the CKAN to copy from. CKAN_URL.', valueHint: 'URL' },
  token: { type: 'string', description: "A token of CKAN's that may read the tables. CKAN_TOKEN.", valueHint: 'TOKEN' },
  resource: {
    type: 'string',
    description: 'Copy this table alone; several are separated by commas. All by default.',
    valueHint: 'ID',
  },
  to: {
    type: 'string',
    description: 'Address of the ckan-datastore to copy to. DATASTORE_URL, or http://127.0.0.1:8000.',
    valueHint: 'URL',
  },
  'to-token': { type: 'string', description: 'A token that may write there. DATASTORE_TOKEN.', valueHint: 'TOKEN' },
  timeout: {
    type: 'string',
    description: `Seconds that one answer may take. ${DEFAULT_TIMEOUT_SECONDS} by default.`,
    valueHint: 'SECONDS',
  },
  json: { type: 'boolean', description: 'One JSON document on stdout, no progress.' },
} as const

/** `import-ckan`: copies the tables of a CKAN DataStore that runs. */
export const importCkan = {
  meta: {
    name: 'ckan-datastore import-ckan',
    description: 'Copies tables, dictionaries, keys and aliases from a CKAN. Run again, it goes on where it broke off.',
  },
  args,
  async run(given: ParsedArgs<typeof args>): Promise<void> {
    const url = given.url ?? process.env.CKAN_URL
    if (!url) throw new UsageError('--url is missing: which CKAN is to be copied from?')
    const timeoutSeconds = secondsOf(given.timeout)
    const named = idsOf(given.resource)
    const from = serverOf({ url, token: given.token ?? process.env.CKAN_TOKEN ?? '' })
    const to = serverOf({ url: given.to, token: given['to-token'] })
    const progress = await showProgress({ quiet: given.json })
    const { say } = progress
    const source = openSource(actionsOf(from, { isQuestion: true, timeoutSeconds, say }))
    const target = {
      read: actionsOf(to, { isQuestion: true, timeoutSeconds, say }),
      write: actionsOf(to, { isQuestion: false, timeoutSeconds, say }),
    }
    const ids = named ?? (await source.tables())
    const copied: Copied[] = []
    const failed: { id: string; reason: string }[] = []
    let unreachable = 0
    for (const id of ids) {
      say(`copying ${id}`)
      try {
        const done = await copyTable(source, target, id)
        copied.push(done)
        unreachable = 0
        if (!given.json)
          process.stdout.write(`${id}: ${done.rows} rows${done.there ? ` (${done.there} were there)` : ''}\n`)
      } catch (error) {
        // One table that can't be copied keeps no other from it.
        failed.push({ id, reason: error instanceof Failure ? error.message : `It failed: ${String(error)}` })
        unreachable = error instanceof Unreachable ? unreachable + 1 : 0
        if (unreachable === MOST_UNREACHABLE) break
      }
    }
    progress.stop()
    if (given.json) process.stdout.write(`${JSON.stringify({ copied, failed })}\n`)
    if (failed.length > 0) {
      const lines = failed.map(({ id, reason }) => (reason.startsWith(id) ? reason : `${id}: ${reason}`))
      const untried = ids.length - copied.length - failed.length
      const sum = `${failed.length} of ${ids.length} tables were not copied`
      throw new Failure([...lines, untried > 0 ? `${sum}, and ${untried} not tried` : sum].join('\n'))
    }
    if (!given.json) process.stdout.write(`${copied.length} tables\n`)
  },
}

function idsOf(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined
  const ids = text.split(',').flatMap((id) => id.trim() || [])
  if (ids.length === 0) throw new UsageError('--resource names no table.')
  return [...new Set(ids)]
}

function secondsOf(text = String(DEFAULT_TIMEOUT_SECONDS)): number {
  const seconds = Number(text)
  if (!(seconds > 0 && seconds <= 86_400)) throw new UsageError('--timeout must be a number of seconds, at most 86400.')
  return seconds
}
