/**
 * Builds what is not there, or is older than its sources. In a clone `npx` prepares the package before each command, and a
 * server may be running from what is built.
 */
import { execSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCES = ['src', 'adapters', 'package.json', 'tsconfig.json', 'tsup.config.ts']
const BUILT = ['dist/main.js', 'dist/index.d.ts', 'dist/site/explorer.js', 'dist/site/docs.js']

const root = fileURLToPath(new URL('../..', import.meta.url))

function changedAt(path: string): number {
  const stats = statSync(join(root, path), { throwIfNoEntry: false })
  return stats ? stats.mtimeMs : 0
}

function filesOf(path: string): string[] {
  if (!statSync(join(root, path)).isDirectory()) return [path]
  return readdirSync(join(root, path), { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))
}

const changed = Math.max(...SOURCES.flatMap(filesOf).map(changedAt))
const built = Math.min(...BUILT.map(changedAt))
if (built <= changed) execSync('npm run build', { cwd: root, stdio: 'inherit' })
