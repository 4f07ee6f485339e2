import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../suites/source-tree.ts'

const folder = join(root, 'test/services/s3')

/** Why tests of a lake in a bucket can't run here; undefined when they can, or when they have to. */
export function reasonWithoutS3(): string | undefined {
  if (process.env.REQUIRE_SERVICES === '1' || existsSync(join(folder, 'node_modules/s3rver'))) return undefined
  return 'not installed: npm install --ignore-scripts --prefix test/services/s3'
}

/** The part of s3rver that is used. */
interface Server {
  run(): Promise<AddressInfo>
  close(): Promise<void>
}
type S3rver = new (options: object) => Server

export interface S3Server {
  endpoint: string
  bucket: string
  key: string
  secret: string
  /** Where it keeps the bucket's objects. */
  folder: string
  /** Lets go of its port; its objects stay for `start`. */
  stop(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

/** An S3-compatible server in this process, with one bucket. It knows keys, but does not check signatures. */
export async function startS3(): Promise<S3Server> {
  const S3rver = createRequire(join(folder, 'package.json'))('s3rver') as S3rver
  const directory = await mkdtemp(join(tmpdir(), 's3-'))
  const bucket = 'portal'
  const open = async (port: number) => {
    const options = { directory, port, address: '127.0.0.1', silent: true, configureBuckets: [{ name: bucket }] }
    const server = new S3rver(options)
    return { server, port: (await server.run()).port }
  }
  const first = await open(0)
  let server: Server | undefined = first.server
  const stop = async () => {
    await server?.close()
    server = undefined
  }
  return {
    endpoint: `http://127.0.0.1:${first.port}`,
    bucket,
    key: 'S3RVER',
    secret: 'S3RVER',
    folder: join(directory, bucket),
    stop,
    async start() {
      server = (await open(first.port)).server
    },
    async close() {
      await stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
