import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

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
