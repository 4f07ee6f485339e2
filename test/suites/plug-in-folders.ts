/** Folders whose subfolders are plug-ins: only the generated map may import one, and itself. */
const PLUG_INS = ['src/infrastructure/engines', 'src/auth']
/** What plug-ins share, and who borrows from whom. */
const BORROWED = ['src/infrastructure/engines/files', 'src/infrastructure/engines/sql']
export const BORROWERS: Record<string, string> = {
  'src/infrastructure/engines/ducklake': 'src/infrastructure/engines/duckdb',
}

export const isUnder = (path: string, place: string) =>
  path === place || path.startsWith(`${place.replace(/\/$/, '')}/`)

/** The folder of the plug-in that a file belongs to. */
export function plugIn(path: string): string | undefined {
  const home = PLUG_INS.find((folder) => isUnder(path, folder))
  const [name, ...rest] = home ? path.slice(home.length + 1).split('/') : []
  return rest.length > 0 && !BORROWED.includes(`${home}/${name}`) ? `${home}/${name}` : undefined
}
