import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSite, reasonWithoutBrowser, type Site, TREES } from './site.ts'

const reason = reasonWithoutBrowser()

describe.skipIf(reason)(`the explorer in a browser${reason ? `: ${reason}` : ''}`, () => {
  let site: Site

  beforeAll(async () => {
    site = await openSite()
  })
  afterAll(() => site?.close())

  const data = async (query = '', options = {}): Promise<Page> => {
    const page = await site.open(`/#/table/trees${query}`, options)
    await page.getByRole('grid').waitFor()
    return page
  }
  const filters = (list: unknown) => `?f=${encodeURIComponent(JSON.stringify(list))}`
  const cells = (page: Page, column: number) =>
    page.locator(`[role=gridcell][aria-colindex="${column}"]`).allTextContents()
  const complaints = () => expect(site.complaints).toEqual([])

  test('an empty store offers to load a file, which becomes a table', async () => {
    const page = await site.open('/')
    await page.getByText('There are no tables here yet').waitFor()
    const buffer = Buffer.from('name,count,seen\nhazel,7,2024-05-01\ngorse,12,2024-05-03\n')
    await page.setInputFiles('input[type=file]', { name: 'Wild Shrubs.csv', mimeType: 'text/csv', buffer })
    expect(await page.getByLabel('Name of the table').inputValue()).toBe('wild-shrubs')
    await page.getByRole('button', { name: 'Load', exact: true }).click()
    await page.getByText(/^2 rows stored/).waitFor()
    await page.getByRole('link', { name: 'Open the table' }).click()
    await page.getByRole('grid').waitFor()
    expect(await cells(page, 2)).toEqual(['hazel', 'gorse'])
    complaints()
  })

  test('a new table does not take the name of one that is there, whose rows would be doubled', async () => {
    const page = await site.open('/')
    await page.getByRole('link', { name: 'wild-shrubs' }).waitFor()
    const buffer = Buffer.from('name,count,seen\nhazel,7,2024-05-01\n')
    await page.setInputFiles('input[type=file]', { name: 'Wild Shrubs.csv', mimeType: 'text/csv', buffer })
    await page.getByText('There is a table of this name').waitFor()
    const load = page.getByRole('button', { name: 'Load', exact: true })
    expect(await load.isDisabled()).toBe(true)
    await page.getByLabel('Name of the table').fill('other-shrubs')
    expect(await load.isDisabled()).toBe(false)
    await page.getByLabel('Name of the table').fill('wild-shrubs')
    await page.getByRole('link', { name: 'load into that table' }).click()
    await page.getByText('Append to the rows that are there').or(page.getByText('Drop a file here')).first().waitFor()
    expect(page.url()).toContain('#/table/wild-shrubs?tab=load')
    complaints()
  })

  test('nor that of one that somebody made since the list was read', async () => {
    const page = await site.open('/')
    await page.getByRole('link', { name: 'wild-shrubs' }).waitFor()
    await site.act('datastore_create', { resource_id: 'just-made', records: [{ name: 'yew', count: 1 }] })
    const buffer = Buffer.from('name,count\nhazel,7\n')
    await page.setInputFiles('input[type=file]', { name: 'just-made.csv', mimeType: 'text/csv', buffer })
    await page.getByRole('button', { name: 'Load', exact: true }).click()
    await page.getByText('There is a table “just-made” now').waitFor()
    expect(await site.act('datastore_search', { resource_id: 'just-made', limit: 0 })).toMatchObject({ total: 1 })
    await site.act('datastore_delete', { resource_id: 'just-made' })
    complaints()
  })

  test('a file that is dropped beside the place for it does not open instead of the page', async () => {
    const page = await site.open('/')
    await page.getByText('New table from a file').waitFor()
    const opens = await page.evaluate(() =>
      ['dragover', 'drop'].map((type) => {
        const dataTransfer = new DataTransfer()
        dataTransfer.items.add(new File(['a'], 'a.csv'))
        return document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }))
      }),
    )
    expect(opens).toEqual([false, false])
  })

  test('the list has rows, size and time of each table, and finds by name and alias', async () => {
    await site.act('datastore_create', TREES)
    const page = await site.open('/')
    const row = page.getByRole('row', { name: /^trees/ })
    await row.getByText('250').waitFor()
    expect(await row.textContent()).toMatch(/trees city-trees250[\d.]* ?[kM]?B?–?.*(now|ago)/)
    await page.getByLabel('Find a table').fill('city')
    expect(await page.getByRole('link', { name: 'wild-shrubs' }).count()).toBe(0)
    await page.getByLabel('Find a table').fill('nothing')
    await page.getByText('No table is called so.').waitFor()
    complaints()
  })

  test('rows come page by page', async () => {
    const page = await data()
    await page.getByText('Rows 1–100 of 250').waitFor()
    expect(await page.getByRole('grid').getAttribute('aria-rowcount')).toBe('251')
    await page.getByRole('button', { name: 'Last page' }).click()
    await page.getByText('Rows 201–250 of 250').waitFor()
    expect((await cells(page, 2))[0]).toBe('201')
    expect(await page.getByRole('button', { name: 'Next page' }).isDisabled()).toBe(true)
    await page.goBack()
    await page.getByText('Rows 1–100 of 250').waitFor()
  })

  test('only the rows in sight are in the page', async () => {
    const page = await data('?size=1000')
    await page.getByText('Rows 1–250 of 250').waitFor()
    expect(await page.locator('.grid-row').count()).toBeLessThan(60)
    await page.getByRole('grid').evaluate((grid) => grid.scrollTo(0, 1e6))
    await page.locator('[aria-rowindex="251"]').waitFor()
  })

  test('a click on a column sorts up, down, and not', async () => {
    const page = await data()
    const head = page.getByRole('columnheader', { name: 'height' })
    for (const [order, first] of [
      ['ascending', '5'],
      ['descending', '24.5'],
      ['none', '5'],
    ]) {
      await head.click()
      await page.locator(`[aria-sort=${order}]`).first().waitFor()
      await expect.poll(async () => (await cells(page, 4))[0]).toBe(first)
    }
  })

  test('a filter is added, typed and removed', async () => {
    const page = await data()
    await page.getByRole('button', { name: 'Add filter' }).click()
    await page.getByLabel('Column', { exact: true }).selectOption('height')
    await page.getByLabel('Operator').selectOption('gte')
    await page.getByLabel('Value for height').fill('24')
    await page.getByText('Rows 1–12 of 12').waitFor()
    await page.getByLabel('Value for height').fill('no number')
    await page.getByRole('alert').waitFor()
    await page.getByRole('button', { name: 'Remove the filter on height' }).click()
    await page.getByText('of 250').waitFor()
    complaints()
  })

  const narrowed: [unknown, string][] = [
    [[['species', 'eq', 'elm']], '83'],
    [[['species', 'in', 'elm, silver birch']], '166'],
    [
      [
        ['height', 'gt', '10'],
        ['height', 'lte', '11'],
      ],
      '12',
    ],
    [[['planted', 'null', '']], '25'],
    [[['species', 'words', 'birch']], '83'],
    [[['species', 'eq', '']], '250'],
  ]
  for (const [list, total] of narrowed) {
    test(`filters ${JSON.stringify(list)}: ${total} rows`, async () => {
      const page = await data(filters(list))
      await page.getByText(`of ${total}`, { exact: false }).first().waitFor()
    })
  }

  test('words are searched in all columns; where none match there is a way back', async () => {
    const page = await data()
    await page.getByLabel('Search all columns').fill('birch')
    await page.getByText('of 83').waitFor()
    await page.getByLabel('Search all columns').fill('palm')
    await page.getByText('No rows match').waitFor()
    await page.getByRole('button', { name: 'Show all rows' }).click()
    await page.getByText('of 250').waitFor()
  })

  test('columns are hidden and shown', async () => {
    const page = await data()
    await page.getByText('Columns', { exact: true }).click()
    await page.getByRole('checkbox', { name: /^species/ }).uncheck()
    await page.getByText('3 of 4').waitFor()
    await expect.poll(() => page.getByRole('columnheader').count()).toBe(4)
    await page.getByRole('button', { name: 'Show all' }).click()
    await expect.poll(() => page.getByRole('columnheader').count()).toBe(5)
  })

  test('the keys move through the grid, sort, and open a row', async () => {
    const page = await data()
    const grid = page.getByRole('grid')
    const active = async () => {
      const id = await grid.getAttribute('aria-activedescendant')
      return page.locator(`[id="${id}"]`).textContent()
    }
    await grid.focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    expect(await active()).toMatch(/^species/)
    await page.keyboard.press('Enter')
    await page.locator('[aria-sort=ascending]').waitFor()
    await page.keyboard.press('ArrowDown')
    await expect.poll(active).toBe('elm')
    await page.keyboard.press('Control+End')
    await expect.poll(() => grid.getAttribute('aria-activedescendant')).toBe('cell-99-4')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByText('Row 100').waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
    expect(await grid.evaluate((element) => document.activeElement === element)).toBe(true)
    complaints()
  })

  test('the dictionary says what the columns mean', async () => {
    const page = await site.open('/#/table/city-trees?tab=dictionary')
    const row = page.getByRole('row', { name: /^species/ })
    expect(await row.textContent()).toContain('Common name')
    expect(await page.getByRole('row', { name: /^id/ }).textContent()).toContain('key')
    await page.getByRole('tab', { name: 'Dictionary' }).press('ArrowRight')
    await page.getByRole('tabpanel', { name: 'Download' }).waitFor()
  })

  for (const [label, ending, start] of [
    ['CSV', 'csv', '_id,id,species'],
    ['Parquet', 'parquet', 'PAR1'],
    ['NDJSON', 'ndjson', '{"_id":'],
  ] as const) {
    test(`the rows that match are downloaded as ${label}`, async () => {
      const page = await site.open(`/#/table/trees${filters([['species', 'eq', 'elm']])}&tab=download`)
      const waiting = page.waitForEvent('download')
      await page.getByRole('link', { name: label, exact: true }).click()
      const file = await waiting
      expect(file.suggestedFilename()).toBe(`trees.${ending}`)
      const text = await readFile(await file.path(), 'latin1')
      expect(text.slice(0, start.length)).toBe(start)
      if (ending === 'csv') expect(text.split('\n')).toHaveLength(85)
    })
  }

  test('a chart of the rows is drawn when it is asked for', async () => {
    const page = await data()
    await page.getByRole('button', { name: 'Chart' }).click()
    const drawn = () =>
      page.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
        const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
        return pixels.some((value) => value !== 0)
      })
    await page.getByRole('img', { name: 'Line: id by planted, 100 rows' }).waitFor()
    await expect.poll(drawn).toBe(true)
    complaints()
  })

  test('a file is dropped onto a table, its bad rows are left out and listed', async () => {
    const page = await site.open('/#/table/trees?tab=load')
    await page.getByRole('group', { name: 'Choose a file' }).waitFor()
    const transfer = await page.evaluateHandle(() => {
      const dropped = new DataTransfer()
      dropped.items.add(new File(['id,species,height\n251,ash,4.5\n252,ash,tall\n'], 'more.csv'))
      return dropped
    })
    await page.dispatchEvent('.drop', 'drop', { dataTransfer: transfer })
    await page.getByRole('button', { name: 'Load', exact: true }).click()
    await page.getByRole('alert').getByText('column "height"').waitFor()
    expect(await page.getByRole('row', { name: /3 height tall/ }).count()).toBe(1)
    await page.getByLabel(/Leave bad rows out/).check()
    await page.getByRole('button', { name: 'Load', exact: true }).click()
    await page.getByText(/^1 row stored .*251 now. 1 row left out/).waitFor()
    const waiting = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download the rows that were left out' }).click()
    expect(await readFile(await (await waiting).path(), 'utf8')).toContain('252,ash,tall')
    complaints()
  })
})
