import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSite, reasonWithoutBrowser, type Site, TREES } from './site.ts'

const reason = reasonWithoutBrowser()
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  id: string
  nodes: { target: string[]; failureSummary: string }[]
}

/** What axe finds wrong in a page, by the rules of WCAG 2.2 AA. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const found = await page.evaluate(
    (values) =>
      (globalThis as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } }).axe.run({
        runOnly: { type: 'tag', values },
      }),
    tags,
  )
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(', ')}`)
}

describe.skipIf(reason)(`everybody can use the explorer${reason ? `: ${reason}` : ''}`, () => {
  let site: Site

  beforeAll(async () => {
    site = await openSite({ AUTH_TYPE: 'anonymous', SITE_COLOR: '#ffcc00' })
    await site.act('datastore_create', TREES)
  })
  afterAll(() => site?.close())

  const sql = encodeURIComponent('SELECT species, count(*) AS n FROM trees GROUP BY species')
  const pages: [path: string, ready: string][] = [
    ['/', 'Rows'],
    ['/#/table/trees?f=[["species","eq","elm"]]', 'of 83'],
    ['/#/table/trees?tab=dictionary', 'Meaning'],
    ['/#/table/trees?tab=download', 'Parquet'],
    ['/#/table/trees?tab=api', 'Copy'],
    ['/#/table/trees?tab=load', 'choose one'],
    [`/#/sql?sql=${sql}`, 'Run'],
    ['/#/table/nothing', 'Try again'],
  ]
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [path, ready] of pages) {
      test(`${decodeURIComponent(path)}, ${colorScheme}`, async () => {
        const page = await site.open(path, { colorScheme })
        await page.getByText(ready).first().waitFor()
        if (path.includes('sql?')) {
          await page.getByRole('button', { name: 'Run' }).click()
          await page.getByRole('grid').waitFor()
        }
        expect(await violations(page)).toEqual([])
      })
    }
  }

  test('a phone: nothing is wider than the screen', async () => {
    for (const [path, ready] of pages) {
      const page = await site.open(path, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true })
      await page.getByText(ready).first().waitFor()
      const width = await page.evaluate(() => document.querySelector('main')?.scrollWidth)
      expect([path, width]).toEqual([path, 360])
    }
  })
})
