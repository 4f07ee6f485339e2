import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { type Config, readConfig } from '../../core/config.ts'
import { ConfigurationError } from '../../core/errors.ts'

/** The option of every command that reads the server's settings. */
export const settingsArgs = {
  'env-file': {
    type: 'string',
    description: 'Read settings from this file instead of ./.env; the real environment wins.',
    valueHint: 'PATH',
  },
} as const

/** The settings of a file `.env`; none where there is no such file, unless it was asked for by its name. */
export function readEnvFile(path: string | undefined): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(path ?? '.env', 'utf8'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (path === undefined && code === 'ENOENT') return {}
    throw new ConfigurationError([`The settings file ${path ?? '.env'} can't be read (${code})`])
  }
}

/** The settings that a server started here would have. It opens nothing to others, and so need not say who may write. */
export function readSettings(args: { 'env-file'?: string }): Config {
  return readConfig({ ...readEnvFile(args['env-file']), ...process.env }, { embedded: true }).config
}
