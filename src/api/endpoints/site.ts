import { NotFound } from '../../core/errors.ts'
import { readAcceptEncoding } from '../accept-encoding.ts'
import type { Context } from '../context.ts'
import type { Reply } from '../operation.ts'
import { findFile, loadGroup } from '../site/files.ts'
import { page } from '../site/page.ts'

/** The explorer, for whoever likes HTML better than JSON (contract §9.10); undefined for everybody else. */
export async function explorerPage(context: Context): Promise<Reply | undefined> {
  const { config, provider, logger } = context.service
  if (!config.explorerEnabled || !prefersHtml(context.request.headers.get('accept'))) return undefined
  const group = await loadGroup('explorer').catch((error: Error) => {
    logger.warning('no explorer', { requestId: context.requestId, reason: error.message })
    return undefined
  })
  if (!group) return undefined
  return page(context, group, {
    title: config.siteTitle,
    data: {
      open: provider.open ? 'true' : undefined,
      sql: String(config.sqlSearchEnabled),
      rows: String(config.searchResultRowsMax),
      'token-header': config.apiTokenHeader,
      'max-load-mb': String(config.maxLoadMb),
    },
    policy: { 'require-trusted-types-for': "'script'" },
  })
}

/** `/docs`: the API's description, in a viewer that writes its own styles, but no scripts. */
export async function docsPage(context: Context): Promise<Reply> {
  const { siteTitle, explorerEnabled } = context.service.config
  return page(context, await loadGroup('docs'), {
    title: `API – ${siteTitle}`,
    data: { explorer: explorerEnabled ? 'true' : undefined },
    policy: { 'style-src': "'self' 'unsafe-inline'", 'connect-src': `'self' ${new URL(context.site).origin}` },
  })
}

/** `/assets/<file>`: what the pages are made of. A file's name changes with its content, so it is kept for good. */
export async function siteFile({ request }: Context, name: string): Promise<Reply> {
  const file = await findFile(name)
  if (!file) throw new NotFound('There is nothing at this address.')
  const headers = { 'Content-Type': file.type, 'Cache-Control': 'public, max-age=31536000, immutable' }
  const { encoding } = readAcceptEncoding(request.headers.get('accept-encoding'), ['gzip'])
  if (encoding) return { status: 200, headers: { ...headers, 'Content-Encoding': encoding }, body: file.gzip }
  const body = new Blob([file.gzip as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'))
  return { status: 200, headers, body }
}

/** Browsers name HTML; programs send anything, JSON or nothing. */
function prefersHtml(accept: string | null): boolean {
  const weightOf = (type: string) => {
    const item = accept?.split(',').find((part) => part.trim().toLowerCase().split(';', 1)[0]?.trim() === type)
    if (item === undefined) return 0
    return Number(/;\s*q=([\d.]+)/.exec(item)?.[1] ?? 1)
  }
  return weightOf('text/html') > weightOf('application/json')
}
