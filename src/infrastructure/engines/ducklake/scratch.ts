import { join } from 'node:path'
import { emptyFolder, makeFolder } from '../duckdb/folder.ts'
import { holdFile } from './file-lock.ts'

/** Folders that this process holds: the kernel keeps only other processes out. */
const held = new Set<string>()

/**
 * A folder for this process's own files, which nobody else uses at the same time: the first free one. What a process that was
 * killed left there is removed.
 */
export async function claimScratch(path: string): Promise<{ path: string; release(): Promise<void> }> {
  await makeFolder(path)
  for (let number = 1; ; number += 1) {
    const folder = join(path, `process-${number}`)
    if (held.has(folder)) continue
    held.add(folder)
    const file = await holdFile(`${folder}.lock`).catch((error) => {
      held.delete(folder)
      throw error
    })
    if (!file) {
      held.delete(folder)
      continue
    }
    await emptyFolder(folder)
    return {
      path: folder,
      async release() {
        held.delete(folder)
        await file.release()
      },
    }
  }
}
