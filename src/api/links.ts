import { stringifyJson } from '../core/json-number.ts'
import type { Links } from '../schemas/datastore-search.ts'
import type { RawParams } from '../schemas/read-params.ts'
import type { Context } from './context.ts'

/** Where in a result an answer stands. */
export interface Position {
  limit: number
  offset: number
  total?: number
}

/** Requests with a longer address than servers take can only be sent by POST. */
const MAX_ADDRESS = 32 * 1024

/**
 * `_links` of a page (contract §9.6): absolute URLs of the request with its own parameters, and where among all pages
 * it is. An address that is too long to be asked for is left out.
 *
 * @param paramsAt - The parameters of the call that gives the rows from an offset; undefined: from the start.
 */
export function pageLinks(context: Context, position: Position, paramsAt: (offset?: number) => RawParams): Links {
  const { limit, offset, total } = position
  const links: Links = {}
  const link = (name: 'start' | 'prev' | 'next', start?: number) => {
    const pairs = pairsOf(paramsAt(start))
    const target = pairs && `${address(context)}?${pairs}`
    if (target && target.length <= MAX_ADDRESS) links[name] = target
  }
  link('start')
  if (offset > 0) link('prev', Math.max(0, offset - limit))
  if (limit === 0) return links
  if (total !== undefined && offset + limit < total) link('next', offset + limit)
  links.page_size = limit
  if (total !== undefined && offset >= total) return links
  links.page = Math.floor(offset / limit) + 1
  if (total !== undefined) links.total_pages = Math.ceil(total / limit)
  return links
}

/** For calls that page by a parameter: it is replaced and put last. */
export function withOffset(raw: RawParams): (offset?: number) => RawParams {
  const { offset: _, ...others } = raw
  return (offset) => (offset === undefined ? others : { ...others, offset })
}

function address({ site, url, service }: Context): string {
  return `${site}${url.pathname.slice(service.config.basePath.length)}`
}

/** Undefined when they are too long as they are: encoding them would take its time. */
function pairsOf(raw: RawParams): URLSearchParams | undefined {
  const pairs = new URLSearchParams()
  let length = 0
  for (const [name, value] of Object.entries(raw)) {
    if (value === undefined || value === null) continue
    const values = Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : [value]
    for (const item of values) {
      const text = typeof item === 'string' ? item : stringifyJson(item)
      length += name.length + text.length
      if (length > MAX_ADDRESS) return undefined
      pairs.append(name, text)
    }
  }
  return pairs
}
