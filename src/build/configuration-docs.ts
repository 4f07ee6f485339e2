import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expected, settingRows } from '../core/config.ts'
import { GROUPS } from '../core/setting.ts'
import type { Output } from './output.ts'

type Row = (typeof settingRows)[number]

/** Writes the docs of the settings from their schema: `.env.example`, the page, and the README's short table. */
export function configurationDocs(root: string): Output[] {
  return [
    { path: '.env.example', text: envExample() },
    { path: 'docs/configuration.md', text: page() },
    ...readme(join(root, 'README.md')),
  ]
}

function envExample(): string {
  const lines = [
    '# Settings, each with its default (or an example, where there is none). Remove the "#" to change one.',
  ]
  for (const [group, rows] of byGroup()) {
    lines.push('', `# ${group}`)
    for (const row of rows)
      lines.push('', ...wrap(row.schema.description, 98).map((line) => `# ${line}`), assignment(row))
  }
  return `${lines.join('\n')}\n`
}

function assignment({ schema }: Row): string {
  return `#${schema.env}=${schema.example ?? defaultText(schema.default)}`
}

function page(): string {
  const sections = byGroup().map(([group, rows]) => `## ${group}\n\n${table(rows)}`)
  return `<!-- Written by \`npm run gen\` from src/core/settings.ts. Do not edit. -->

# Configuration

Settings are environment variables. \`npm start\` also reads a file \`.env\` in the folder it is started in (or the one
that \`--env-file\` names); the real environment wins. \`createDatastore({ env })\` reads what it is given, nothing else.
An empty variable counts as not set. Wrong values stop the start, with one line for each; a name that looks like a
misspelt setting is warned about.

Nothing set: tables in \`./data\`, no authorization, listening on 127.0.0.1 only. As soon as anything else is
configured (another address, \`DATASTORE_ENGINE\`, \`SITE_URL\`, \`REDIS_URL\`, or a setting of \`JWT_\`, \`BIGQUERY_\` or
\`DUCKLAKE_\`), say who may write: \`CKAN_URL\`, or \`AUTH_TYPE\`. Otherwise the start is refused, so that a forgotten
setting never opens a portal to everybody.

${sections.join('\n')}`
}

function readme(path: string): Output[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const markers = /(<!-- settings -->\n)[\s\S]*(<!-- \/settings -->)/
  if (!markers.test(text)) return []
  const short = table(settingRows.filter(({ schema }) => schema.common))
  return [{ path: 'README.md', text: text.replace(markers, (_, start, end) => `${start}\n${short}\n${end}`) }]
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ schema }) => {
    const values = schema.secret && !schema.expected ? 'a text' : expected(schema)
    return `| \`${schema.env}\` | ${shownDefault(schema)} | ${values} | ${schema.description} |\n`
  })
  return `| setting | default | values | what it does |\n| --- | --- | --- | --- |\n${lines.join('')}`
}

function shownDefault(schema: Row['schema']): string {
  return schema.unset ?? `\`${defaultText(schema.default)}\``
}

function defaultText(value: unknown): string {
  if (value === undefined) return ''
  return Array.isArray(value) ? value.join(',') : String(value)
}

function byGroup(): [string, Row[]][] {
  return Object.entries(GROUPS).map(([group, title]) => [
    title,
    settingRows.filter((row) => row.schema.group === group),
  ])
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
