import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { serve } from '../../adapters/node/serve.ts'
import { buildSite } from '../../src/build/site.ts'
import { createLogger } from '../../src/core/log.ts'
import { root } from '../suites/source-tree.ts'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = [process.env.CHROMIUM ?? '', ...PLACES].find((path) => path !== '' && existsSync(path))

/** Why tests in a browser can't run here; undefined when they can, or when they have to. */
export function reasonWithoutBrowser(): string | undefined {
  if (executablePath !== undefined || process.env.REQUIRE_SERVICES === '1') return undefined
  return 'Chromium is not installed (or set CHROMIUM to its path)'
}

/** Builds the pages unless they are as new as their sources. */
export async function builtSite(): Promise<void> {
  const sources = readdirSync(join(root, 'src/explorer'), { recursive: true, encoding: 'utf8' })
  const newest = Math.max(...sources.map((name) => statSync(join(root, 'src/explorer', name)).mtimeMs))
  const built = join(root, 'dist/site/docs.js')
  if (!existsSync(built) || statSync(built).mtimeMs < newest) await buildSite(root)
}

export interface Site {
  url: string
  /** Calls an action by POST, and answers its result. */
  act(action: string, params: unknown, headers?: Record<string, string>): Promise<Record<string, unknown>>
  /** A page with a session of its own, at an address behind the site's. The one before is closed. */
  open(path: string, options?: BrowserContextOptions): Promise<Page>
  /** What a page has complained about: scripts that failed, refused by the policy, dialogs that opened. */
  complaints: string[]
  close(): Promise<void>
}

/** A server on DuckDB in a folder of its own, and a browser. */
export async function openSite(env: Record<string, string> = { AUTH_TYPE: 'anonymous' }): Promise<Site> {
  await builtSite()
  const folder = await mkdtemp(join(tmpdir(), 'explorer-'))
  const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
  const server = await serve({ env: { PORT: '0', DUCKDB_PATH: folder, ...env }, logger })
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const browser: Browser = await chromium.launch({ executablePath, args })
  const complaints: string[] = []
  let context: BrowserContext | undefined
  const url = `${server.url}${env.BASE_PATH ?? ''}`
  return {
    url,
    complaints,
    async act(action, params, headers = {}) {
      const response = await fetch(`${url}/api/3/action/${action}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify(params),
      })
      const { success, result, error } = (await response.json()) as Record<string, unknown>
      expect([success, error]).toEqual([true, undefined])
      return result as Record<string, unknown>
    },
    async open(path, options = {}) {
      await context?.close()
      context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options })
      const page = await context.newPage()
      page.on('pageerror', ({ message }) => complaints.push(message))
      page.on('console', (said) => {
        // The browser itself tells of answers with an error status.
        if (said.type() === 'error' && !/^Failed to load resource/.test(said.text())) complaints.push(said.text())
      })
      page.on('dialog', async (dialog) => {
        complaints.push(`a dialog: ${dialog.message()}`)
        await dialog.dismiss()
      })
      await page.goto(`${url}${path}`)
      return page
    },
    async close() {
      await browser.close()
      await server.close(0)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export const TREES = {
  resource_id: 'trees',
  aliases: ['city-trees'],
  schema: {
    fields: [
      { name: 'id', type: 'integer' },
      { name: 'species', type: 'string', title: 'Species', description: 'Common name' },
      { name: 'height', type: 'number', unit: 'm' },
      { name: 'planted', type: 'date' },
    ],
    primaryKey: 'id',
  },
  records: Array.from({ length: 250 }, (_, index) => ({
    id: index + 1,
    species: ['oak', 'elm', 'silver birch'][index % 3],
    height: 5 + (index % 40) / 2,
    planted: index % 10 === 0 ? null : `20${String(index % 20).padStart(2, '0')}-05-01`,
  })),
}
