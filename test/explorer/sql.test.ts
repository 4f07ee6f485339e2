import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSite, reasonWithoutBrowser, type Site, TREES } from './site.ts'

const reason = reasonWithoutBrowser()
const href = (sql: string) => `/#/sql?sql=${encodeURIComponent(sql)}`

describe.skipIf(reason)(`SQL in the explorer${reason ? `: ${reason}` : ''}`, () => {
  let site: Site

  beforeAll(async () => {
    site = await openSite()
    await site.act('datastore_create', TREES)
  })
  afterAll(() => site?.close())

  test('a statement runs, and its result is a grid, a chart and a file', async () => {
    const page = await site.open(href('SELECT species, count(*) AS n FROM trees GROUP BY species ORDER BY species'))
    await page.getByLabel('Statement').press('Control+Enter')
    await page.getByText(/^3 rows in/).waitFor()
    expect(await page.locator('[role=gridcell][aria-colindex="1"]').allTextContents()).toEqual([
      'elm',
      'oak',
      'silver birch',
    ])
    await page.getByText('Chart').click()
    await page.getByRole('img', { name: 'Bars: n by species, 3 rows' }).waitFor()
    await page.getByText('Download', { exact: true }).click()
    const waiting = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Parquet' }).click()
    expect((await waiting).suggestedFilename()).toBe('query.parquet')
    expect(site.complaints).toEqual([])
  })

  test('a mistake is shown where it is', async () => {
    const page = await site.open(href('SELECT species,\n  count(*)\nFORM "trees"'))
    await page.getByRole('button', { name: 'Run' }).click()
    const alert = page.getByRole('alert')
    await alert.getByText('syntax error at or near').waitFor()
    await alert.getByRole('button', { name: 'Go to line 3, column 6' }).click()
    const selected = await page
      .getByLabel('Statement')
      .evaluate((box: HTMLTextAreaElement) => box.value.slice(box.selectionStart, box.selectionEnd))
    expect(selected).toBe('"trees"')
  })

  const mistakes: [string, string, string, string][] = [
    ['a column that is not there', 'SELECT\n  specis\nFROM "trees"', 'line 2, column 3', 'specis'],
    ['types that do not fit', 'SELECT height + species FROM "trees"', 'line 1, column 15', '+'],
    ['a column that is not grouped', "SELECT '木', species, count(*) FROM trees", 'line 1, column 13', 'species'],
    ['a table that is not there', 'SELECT 1 FROM trees\nJOIN "shrubs" ON true', 'line 2, column 7', 'shrubs'],
  ]
  for (const [what, sql, place, word] of mistakes) {
    test(`${what} is shown where it is`, async () => {
      const page = await site.open(href(sql))
      await page.getByRole('button', { name: 'Run' }).click()
      const alert = page.getByRole('alert')
      await alert.getByRole('button', { name: `Go to ${place}` }).click()
      const selected = await page
        .getByLabel('Statement')
        .evaluate((box: HTMLTextAreaElement) => box.value.slice(box.selectionStart, box.selectionEnd))
      expect([selected, await alert.innerText()]).toEqual([word, expect.not.stringMatching(/^\(/)])
    })
  }

  test('a long statement is canceled, and the server stops it', async () => {
    const page = await site.open(
      href('SELECT count(*) FROM trees a, trees b, trees c, trees d, trees e WHERE a.height + b.height > c.height + 1'),
    )
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByText('Running').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('Canceled.').waitFor()
    await page.getByLabel('Statement').fill('SELECT 1 AS one')
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByText(/^1 row in/).waitFor()
  })

  test('digits that JavaScript would round are shown as they are', async () => {
    const page = await site.open(
      href('SELECT 12345678901234567890.123456789 AS big, 9007199254740993 AS odd, 1.50 AS half'),
    )
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByText(/^1 row in/).waitFor()
    const [big, odd] = await page.getByRole('gridcell').allTextContents()
    expect([big, odd]).toEqual(['12345678901234567890.123456789', '9007199254740993'])
  })

  test('is not there when it is turned off', async () => {
    const other = await openSite({ AUTH_TYPE: 'anonymous', SQL_SEARCH_ENABLED: 'false' })
    try {
      const page = await other.open('/')
      await page.getByRole('link', { name: 'API' }).waitFor()
      expect(await page.getByRole('link', { name: 'SQL' }).count()).toBe(0)
    } finally {
      await other.close()
    }
  })
})
