import { mkdir, readdir, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ServiceUnavailable } from '../../../core/errors.ts'

/** A process's own folders: beside its data, the only ones that DuckDB may touch once it is locked. */
export interface Folders {
  tmp: string
  load: string
  export: string
}

export function foldersIn(path: string): Folders {
  return { tmp: join(path, 'tmp'), load: join(path, 'load'), export: join(path, 'export') }
}

/** For this service's user alone. */
const MODE = 0o700

/**
 * Makes a folder and those around it, for nobody else to look into. Node's own `recursive` never ends where a file system refuses with ENOENT to
 * have folders made in it, as `/proc` does.
 */
export async function makeFolder(path: string): Promise<void> {
  const code = await attempt(path)
  if (code === undefined) return
  if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
  if (code !== 'ENOENT' || dirname(path) === path) return void (await mkdir(path, MODE))
  await makeFolder(dirname(path))
  await mkdir(path, MODE)
}

async function attempt(path: string): Promise<string | undefined> {
  try {
    await mkdir(path, MODE)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}

/** Makes a folder, or empties the one that is there. */
export async function emptyFolder(path: string): Promise<string> {
  await makeFolder(path)
  for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true })
  return path
}

/** Free bytes below which nothing is written any more: a full disk can cost the write-ahead log (traps T14). */
const HEADROOM = 64 * 1024 * 1024

/** A check that the disk of a folder has room for so many bytes more. */
export function headroomOf(path: string): (bytes?: number) => Promise<void> {
  return async (bytes = 0) => {
    const { bavail, bsize } = await statfs(path)
    if (bavail * bsize < HEADROOM + bytes)
      throw new ServiceUnavailable('The disk is nearly full: nothing is written until there is room.')
  }
}
