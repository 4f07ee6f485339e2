import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Output } from './output.ts'

/** The version of `package.json` as a module, for a core that reads no files. */
export function versionModule(root: string): Output[] {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const text = `// Written by \`npm run gen\` from package.json. Do not edit.\n\nexport const VERSION = '${version}'\n`
  return [{ path: 'src/core/_version.ts', text }]
}
