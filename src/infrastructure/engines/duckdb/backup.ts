import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { BackupFile } from '../engine.ts'
import { quoteLiteral } from '../sql/quote.ts'
import type { Client } from './client.ts'
import { BLOCK_SIZE } from './data-file.ts'

/**
 * A copy of the whole file as it is at one moment, made while reads and writes go on: DuckDB copies from one snapshot
 * into a second file, which goes once it was read.
 */
export async function backupFile(client: Client, signal?: AbortSignal): Promise<BackupFile> {
  const path = join(client.folders.export, `backup-${randomUUID()}.duckdb`)
  const remove = () => rm(path, { force: true })
  try {
    await copyTo(client, path, signal)
    const { size } = await stat(path)
    const file = createReadStream(path)
    file.once('close', () => void remove().catch(() => {}))
    return { stream: Readable.toWeb(file) as ReadableStream<Uint8Array>, length: size }
  } catch (error) {
    await remove()
    throw error
  }
}

async function copyTo(client: Client, path: string, signal?: AbortSignal): Promise<void> {
  const { session, release } = await client.patientSession(signal)
  const name = `"${path.slice(path.lastIndexOf('backup-'), -'.duckdb'.length)}"`
  try {
    await session.run(`ATTACH ${quoteLiteral(path)} AS ${name} (BLOCK_SIZE ${BLOCK_SIZE})`)
    try {
      await session.run(`COPY FROM DATABASE datastore TO ${name}`)
    } finally {
      await session.run(`DETACH ${name}`).catch(() => undefined)
    }
  } finally {
    release()
  }
}
