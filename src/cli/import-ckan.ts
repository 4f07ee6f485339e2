import type { ParsedArgs } from 'citty'
import { Failure, UsageError } from './failure.ts'
import { actionsOf } from './import/actions.ts'
import { type Copied, copyTable } from './import/copy-table.ts'
import { openSource } from './import/source.ts'
import { showProgress } from './progress.ts'
import { serverOf } from './server.ts'

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
    const from = serverOf({ url, token: given.token ?? process.env.CKAN_TOKEN ?? '' })
    const to = serverOf({ url: given.to, token: given['to-token'] })
    const source = openSource(actionsOf(from, { isQuestion: true }))
    const target = { read: actionsOf(to, { isQuestion: true }), write: actionsOf(to, { isQuestion: false }) }
    const ids = given.resource?.split(',').map((id) => id.trim()) ?? (await source.tables())
    const copied: Copied[] = []
    const failed: { id: string; reason: string }[] = []
    const progress = await showProgress({ quiet: given.json })
    for (const id of ids) {
      progress.say(`copying ${id}`)
      try {
        const done = await copyTable(source, target, id)
        copied.push(done)
        if (!given.json)
          process.stdout.write(`${id}: ${done.rows} rows${done.there ? ` (${done.there} were there)` : ''}\n`)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        // One table that can't be copied keeps no other from it.
        failed.push({ id, reason: error.message })
      }
    }
    progress.stop()
    if (given.json) process.stdout.write(`${JSON.stringify({ copied, failed })}\n`)
    if (failed.length > 0) {
      const lines = failed.map(({ id, reason }) => (reason.startsWith(id) ? reason : `${id}: ${reason}`))
      throw new Failure([...lines, `${failed.length} of ${ids.length} tables were not copied`].join('\n'))
    }
    if (!given.json) process.stdout.write(`${copied.length} tables\n`)
  },
}
