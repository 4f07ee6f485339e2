import { resolve } from 'node:path'
import type { Config } from '../../../core/config.ts'
import { ConfigurationError } from '../../../core/errors.ts'
import { makeFolder } from '../duckdb/folder.ts'
import { quoteLiteral } from '../sql/quote.ts'

/** Where a lake's files are, and what DuckDB needs to reach them. */
export interface DataPath {
  /** Ends with `/`. */
  readonly path: string
  readonly extensions: readonly string[]
  readonly prepare: readonly string[]
}

/** @throws ConfigurationError when the place can't be used. */
export async function dataPathOf(config: Config): Promise<DataPath> {
  const given = config.ducklakeDataPath as string
  const [, remote] = (/^(s3|gs):\/\/(?=[^/])/.exec(given) ?? []) as [string?, (keyof typeof stores)?]
  if (!remote && /^\w+:\//.test(given)) {
    throw new ConfigurationError([
      `DUCKLAKE_DATA_PATH: a folder, s3://bucket/… or gs://bucket/… is expected, in small letters.`,
    ])
  }
  const path = `${(remote ? given : resolve(given)).replace(/\/+$/, '')}/`
  if (remote) return { path, extensions: ['httpfs'], prepare: stores[remote](config, path) }
  try {
    await makeFolder(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigurationError([`DUCKLAKE_DATA_PATH: the folder ${path} can't be made or used (${code}).`])
  }
  return { path, extensions: [], prepare: [] }
}

/** Secrets hold for their bucket only. Without a key DuckDB asks as nobody. */
const stores = {
  s3: ({ ducklakeS3Key, ducklakeS3Secret, ducklakeS3Region, ducklakeS3Endpoint }: Config, path: string) =>
    secret('s3', path, [
      ...credentials(ducklakeS3Key, ducklakeS3Secret),
      `REGION ${quoteLiteral(ducklakeS3Region)}`,
      ...endpoint(ducklakeS3Endpoint),
    ]),
  gs: ({ ducklakeGcsKey, ducklakeGcsSecret, ducklakeGcsEndpoint }: Config, path: string) =>
    secret('gcs', path, [...credentials(ducklakeGcsKey, ducklakeGcsSecret), ...endpoint(ducklakeGcsEndpoint)]),
}

function secret(type: string, path: string, options: readonly string[]): string[] {
  const bucket = path.split('/').slice(0, 3).join('/')
  return [
    `CREATE OR REPLACE SECRET files (${[`TYPE ${type}`, `SCOPE ${quoteLiteral(bucket)}`, ...options].join(', ')})`,
  ]
}

function credentials(key: string | undefined, secret: string | undefined): string[] {
  if ((key === undefined) !== (secret === undefined)) {
    throw new ConfigurationError(["DUCKLAKE_DATA_PATH: of the object store's key and secret only one is set."])
  }
  return key && secret ? [`KEY_ID ${quoteLiteral(key)}`, `SECRET ${quoteLiteral(secret)}`] : []
}

function endpoint(address: string | undefined): string[] {
  if (address === undefined) return []
  const { host, protocol } = new URL(address)
  return [`ENDPOINT ${quoteLiteral(host)}`, "URL_STYLE 'path'", `USE_SSL ${protocol === 'https:'}`]
}
