import { signal } from '@preact/signals'

/** Where in the explorer one is: the part of the address behind `#`. */
export interface Route {
  page: 'tables' | 'table' | 'sql' | 'unknown'
  /** Of the table. */
  id: string
  query: URLSearchParams
}

export const route = signal<Route>(read())

addEventListener('hashchange', () => {
  route.value = read()
})

function read(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2)
  const [page = '', id = ''] = path.split('/', 2)
  const at = { id: decode(id), query: new URLSearchParams(query) }
  if (page === '') return { page: 'tables', ...at }
  if (page === 'table' && at.id !== '') return { page: 'table', ...at }
  return { page: page === 'sql' ? 'sql' : 'unknown', ...at }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The address of a table's page. */
export function tableHref(id: string, query: Record<string, string> = {}): string {
  return href(`table/${encodeURIComponent(id)}`, query)
}

export function sqlHref(sql: string): string {
  return href('sql', { sql })
}

function href(path: string, query: Record<string, string>): string {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString()
  return `#/${path}${text === '' ? '' : `?${text}`}`
}

/** Changes parts of the address; an empty text removes one. Typing replaces the entry in the history. */
export function setQuery(changes: Readonly<Record<string, string>>, { replace = false } = {}): void {
  const query = new URLSearchParams(route.value.query)
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') query.delete(name)
    else query.set(name, value)
  }
  const text = query.toString()
  const [path = ''] = location.hash.split('?', 1)
  const hash = `${path || '#/'}${text === '' ? '' : `?${text}`}`
  if (replace) history.replaceState(null, '', hash)
  else history.pushState(null, '', hash)
  route.value = read()
}

addEventListener('popstate', () => {
  route.value = read()
})
