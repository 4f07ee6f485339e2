import type { Context } from '../context.ts'
import { escapeHtml } from '../html.ts'
import type { Reply } from '../operation.ts'
import type { Group } from './files.ts'

interface PageOptions {
  title: string
  /** What the page's script is told, as `data-…` of its root element. */
  data: Readonly<Record<string, string | undefined>>
  /** Beside the strict policy that every page has. */
  policy?: Readonly<Record<string, string>>
}

/** A page: a shell that loads one script and one style sheet, and a policy that permits nothing else. */
export function page(context: Context, group: Group, { title, data, policy = {} }: PageOptions): Reply {
  const { siteTitle, siteLogoUrl, siteColor } = context.service.config
  const root = rootPath(context)
  const told = { root, title: siteTitle, logo: siteLogoUrl, color: siteColor.toLowerCase(), ...data }
  const attributes = Object.entries(told).flatMap(([name, value]) =>
    value === undefined ? [] : [` data-${name}="${escapeHtml(value)}"`],
  )
  const file = (name: string) => escapeHtml(`${root}/assets/${name}`)
  const html = `<!doctype html>
<html lang="en"${attributes.join('')}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="${file(group.icon)}">
<link rel="stylesheet" href="${file(group.style)}">
<script type="module" src="${file(group.script)}"></script>
</head>
<body>
<div id="app"></div>
<noscript>This page needs JavaScript. Everything that it shows can also be asked for: see ${escapeHtml(`${root}/openapi.json`)}.</noscript>
</body>
</html>
`
  return {
    status: 200,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': contentPolicy(siteLogoUrl, policy),
      'Cache-Control': 'no-cache',
      'Referrer-Policy': 'same-origin',
    },
    body: new TextEncoder().encode(html),
  }
}

/** The path that all routes hang under, as browsers see it: behind proxies, too. */
export function rootPath({ site }: Context): string {
  return new URL(site).pathname.replace(/\/$/, '')
}

function contentPolicy(logo: string | undefined, more: Readonly<Record<string, string>>): string {
  const pictures = logo?.startsWith('http') ? ` ${new URL(logo).origin}` : ''
  const rules: Record<string, string> = {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': `'self' data:${pictures}`,
    'connect-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'self'",
    ...more,
  }
  return Object.entries(rules)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ')
}
