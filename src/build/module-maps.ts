import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Output } from './output.ts'

/** The folders whose subfolders are plug-ins, but for the parts that plug-ins share. */
const HOMES = [
  { folder: 'src/infrastructure/engines', shared: ['sql'] },
  { folder: 'src/auth', shared: [] as string[] },
]

/** Writes a `_modules.ts` beside the plug-ins: their names, and how each is loaded. */
export function moduleMaps(root: string): Output[] {
  return HOMES.map(({ folder, shared }) => {
    const names = readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !shared.includes(entry.name))
      .map((entry) => entry.name)
      .filter((name) => existsSync(join(root, folder, name, 'index.ts')))
      .sort()
    return { path: `${folder}/_modules.ts`, text: moduleMap(names) }
  })
}

function moduleMap(names: readonly string[]): string {
  const rows = names.map((name) => `  ${propertyName(name)}: () => import('./${name}/index.ts'),\n`)
  return `// Written by \`npm run gen\` from the folders beside it. Do not edit.

export const modules = {
${rows.join('')}} as const

export type ModuleName = keyof typeof modules
`
}

function propertyName(name: string): string {
  return /^[a-z_$][\w$]*$/i.test(name) ? name : `'${name}'`
}
