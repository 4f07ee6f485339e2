/**
 * Fetches the DuckDB extensions that the `ducklake` engine needs into `DUCKDB_EXTENSION_DIRECTORY` (else where DuckDB
 * looks for them), for machines that have no way to the internet later on: `npm run extensions`. They come as Python
 * wheels where there is a pip, else from DuckDB's own repository; whichever it is, each file must be one of
 * `extensions.json`.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'

const pinned = JSON.parse(readFileSync(fileURLToPath(new URL('extensions.json', import.meta.url)), 'utf8')) as {
  version: string
  sha256: Record<string, Record<string, string>>
}

/** Where DuckDB looks for extensions. */
export function extensionFolder(env = process.env): string {
  return resolve(env.DUCKDB_EXTENSION_DIRECTORY || join(homedir(), '.duckdb', 'extensions'))
}

function isPinned(file: string, sha256: string | undefined): boolean {
  return existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex') === sha256
}

function fetchWheels(names: readonly string[], folder: string): void {
  const target = mkdtempSync(join(tmpdir(), 'extensions-'))
  try {
    const wheels = names.map((name) => `duckdb-extension-${name.replaceAll('_', '-')}==${pinned.version}`)
    const options = [
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary',
      ':all:',
      '--target',
      target,
    ]
    execFileSync('python3', ['-m', 'pip', 'install', ...options, ...wheels], { stdio: ['ignore', 'ignore', 'pipe'] })
    for (const name of names) {
      const file = `${name}.duckdb_extension`
      copyFileSync(
        join(target, `duckdb_extension_${name}`, 'extensions', `v${pinned.version}`, file),
        join(folder, file),
      )
    }
  } finally {
    rmSync(target, { recursive: true, force: true })
  }
}

async function fetchFromDuckdb(names: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { extension_directory: extensionFolder() })
  const connection = await instance.connect()
  for (const name of names) await connection.run(`FORCE INSTALL ${name}`)
  connection.closeSync()
  instance.closeSync()
}

async function platformOf(): Promise<string> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const [[version, platform] = []] = (
    await connection.runAndReadAll('SELECT version(), (FROM pragma_platform())')
  ).getRows()
  connection.closeSync()
  instance.closeSync()
  if (version !== `v${pinned.version}`)
    throw new Error(`extensions.json is of DuckDB ${pinned.version}, not of ${version}`)
  return String(platform)
}

async function main(): Promise<void> {
  const platform = await platformOf()
  const hashes = pinned.sha256[platform]
  if (!hashes) throw new Error(`there are no extensions for ${platform}: on Linux use a distribution with glibc`)
  const folder = join(extensionFolder(), `v${pinned.version}`, platform)
  mkdirSync(folder, { recursive: true })
  const fileOf = (name: string) => join(folder, `${name}.duckdb_extension`)
  const missing = () => Object.keys(hashes).filter((name) => !isPinned(fileOf(name), hashes[name]))
  const failures: unknown[] = []
  for (const fetch of [(names: readonly string[]) => fetchWheels(names, folder), fetchFromDuckdb]) {
    const names = missing()
    if (names.length === 0) break
    try {
      await fetch(names)
    } catch (error) {
      failures.push(error)
    }
  }
  const wrong = missing()
  for (const name of wrong) rmSync(fileOf(name), { force: true })
  if (wrong.length > 0) throw new Error(`not to be had as they should be: ${wrong.join(', ')}`, { cause: failures[0] })
  console.log(`${folder} has ${Object.keys(hashes).join(', ')}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
