import { ServiceUnavailable } from '../../core/errors.ts'

/** Built files that belong to one page. Their names carry a hash of what is in them. */
export interface Group {
  script: string
  style: string
  icon: string
  /** By name: the media type, and the bytes, compressed and in base64. */
  files: Readonly<Record<string, { type: string; gzip: string }>>
}

export type GroupName = keyof typeof loaders

/** As modules, so that every runtime and every bundler finds them; none is loaded before its page is asked for. */
const loaders = {
  explorer: async () => (await import('#explorer-files')).group,
  docs: async () => (await import('#docs-files')).group,
}

/**
 * The files of a page.
 *
 * @throws ServiceUnavailable when the page was not built.
 */
export async function loadGroup(name: GroupName): Promise<Group> {
  try {
    return await loaders[name]()
  } catch (cause) {
    throw new ServiceUnavailable(`The files of this page were not built. Run "npm run build".`, { cause })
  }
}

/** A built file of any page, its bytes compressed by gzip; undefined when there is none. */
export async function findFile(file: string): Promise<{ type: string; gzip: Uint8Array } | undefined> {
  for (const name of Object.keys(loaders) as GroupName[]) {
    if (!file.startsWith(`${name}-`)) continue
    const { files } = await loadGroup(name)
    const found = Object.hasOwn(files, file) ? files[file] : undefined
    if (found) return { type: found.type, gzip: fromBase64(found.gzip) }
  }
  return undefined
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
}
