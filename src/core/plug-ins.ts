import { type Config, settingRows } from './config.ts'
import { ConfigurationError } from './errors.ts'

/** What a plug-in's `index.ts` exports. */
export interface PlugIn<Factory> {
  default: Factory
  /** Settings that it can't start without. */
  needs?: readonly (keyof Config)[]
}

/** A generated map: the names of the plug-ins' folders, and how each is loaded on first use. */
export type PlugIns<Factory> = Readonly<Record<string, () => Promise<PlugIn<Factory>>>>

/**
 * The factory of a plug-in.
 *
 * @param setting - The environment variable that names it, for the messages.
 * @throws ConfigurationError when there is none of that name, when a package that it uses is not installed, or when
 * a setting that it needs is missing.
 */
export async function loadPlugIn<Factory>(
  setting: string,
  name: string,
  plugIns: PlugIns<Factory>,
  config: Config,
): Promise<Factory> {
  const load = Object.hasOwn(plugIns, name) ? plugIns[name] : undefined
  if (!load) {
    const names = Object.keys(plugIns).join(', ')
    throw new ConfigurationError([`${setting} must be one of ${names}, not ${JSON.stringify(name)}`])
  }
  const plugIn = await load().catch((error: unknown) => {
    throw missingPackage(`${setting}=${name}`, error) ?? error
  })
  const missing = (plugIn.needs ?? []).filter((key) => config[key] === undefined)
  if (missing.length > 0) throw new ConfigurationError(missing.map((key) => `${setting}=${name} needs ${envName(key)}`))
  return plugIn.default
}

/** Clients of optional engines are installed by who uses them: the runtime's error becomes the remedy. */
function missingPackage(choice: string, error: unknown): ConfigurationError | undefined {
  const [, name] =
    /Cannot find (?:package|module) '([^'./][^']*)'/.exec(error instanceof Error ? error.message : '') ?? []
  if (!name || name.startsWith('file:')) return undefined
  return new ConfigurationError([`${choice} needs the package ${name}: npm install ${name}`])
}

function envName(key: keyof Config): string {
  return settingRows.find((row) => row.key === key)?.schema.env ?? key
}
