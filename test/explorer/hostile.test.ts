import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSite, reasonWithoutBrowser, type Site, TREES } from './site.ts'

const reason = reasonWithoutBrowser()
const EVIL = '<img src=x onerror=alert(1)>'
const tableHref = (id: string, query = '') => `/#/table/${encodeURIComponent(id)}${query}`

describe.skipIf(reason)(`what a table may hold${reason ? `: ${reason}` : ''}`, () => {
  let site: Site

  beforeAll(async () => {
    site = await openSite()
    await site.act('datastore_create', {
      resource_id: EVIL,
      fields: [
        {
          id: '<script>alert(2)</script>',
          type: 'text',
          info: { title: EVIL, description: '<b onclick=alert(3)>x</b>' },
        },
        { id: 'javascript:alert(4)', type: 'text' },
        { id: '$or', type: 'int' },
        { id: 'big', type: 'text' },
      ],
      records: [
        {
          '<script>alert(2)</script>': '<script>alert(5)</script>',
          'javascript:alert(4)': '"><svg/onload=alert(6)>',
          $or: 7,
          big: 'x'.repeat(1_000_000),
        },
      ],
    })
    const columns = Array.from({ length: 300 }, (_, column) => `column ${column + 1}`)
    await site.act('datastore_create', {
      resource_id: 'wide',
      records: Array.from({ length: 50 }, (_, row) => Object.fromEntries(columns.map((name, at) => [name, row * at]))),
    })
  })
  afterAll(() => site?.close())

  const isInert = async (page: Page) => {
    expect(await page.locator('main img, main script, main svg, main b').count()).toBe(0)
    expect(site.complaints).toEqual([])
  }

  for (const tab of ['data', 'dictionary', 'download', 'api', 'load']) {
    test(`HTML and script are text: ${tab}`, async () => {
      const page = await site.open(tableHref(EVIL, `?tab=${tab}`))
      await page.getByRole('heading', { name: EVIL }).waitFor()
      await page.waitForTimeout(200)
      await isInert(page)
    })
  }

  test('HTML and script are text: the list of tables, SQL, an error', async () => {
    const page = await site.open('/')
    await page.getByRole('link', { name: EVIL }).waitFor()
    await page.goto(`${site.url}/#/sql?sql=${encodeURIComponent(`SELECT *, '${EVIL}' AS "${EVIL}" FROM "${EVIL}"`)}`)
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByText(/^1 row in/).waitFor()
    await page.getByLabel('Statement').fill(`SELECT ${EVIL}`)
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByRole('alert').waitFor()
    await isInert(page)
  })

  test('a cell of 1 MB does not fill the grid, and is there in its row', async () => {
    const page = await site.open(tableHref(EVIL))
    const cell = page.locator('[role=gridcell][aria-colindex="5"]')
    await cell.waitFor()
    expect((await cell.textContent())?.length).toBeLessThan(1000)
    await cell.dblclick()
    await page.getByRole('button', { name: 'Show all 1,000,000 characters' }).click()
    await expect
      .poll(() =>
        page
          .locator('dialog pre')
          .last()
          .textContent()
          .then((text) => text?.length),
      )
      .toBe(1_000_000)
    await isInert(page)
  })

  test('a column that is called like an operator is filtered', async () => {
    const page = await site.open(tableHref(EVIL, `?f=${encodeURIComponent('[["$or","gte","7"]]')}`))
    await page.getByText('Rows 1–1 of 1').waitFor()
  })

  test('300 columns: those in sight are in the page, all can be reached', async () => {
    const page = await site.open(tableHref('wide'))
    const grid = page.getByRole('grid')
    await grid.waitFor()
    expect(await grid.getAttribute('aria-colcount')).toBe('301')
    expect(await page.getByRole('columnheader').count()).toBeLessThan(40)
    await grid.focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('End')
    await page.getByRole('columnheader', { name: 'column 300' }).waitFor()
    await expect.poll(() => page.locator('[role=gridcell].active').textContent()).toBe('0')
    await page.getByText('Columns', { exact: true }).click()
    await page.getByLabel('Find a column').fill('column 299')
    await page.getByRole('checkbox', { name: 'column 299' }).uncheck()
    await page.getByText('299 of 300').waitFor()
    await isInert(page)
  })

  for (const text of ['<script>', '%', "'", '/', '?', '#', 'ü ñ 漢字']) {
    test(`a table that is called ${text}`, async () => {
      await site.act('datastore_create', { resource_id: `t ${text}`, records: [{ a: 1 }] })
      const page = await site.open('/')
      await page.getByRole('link', { name: `t ${text}`, exact: true }).click()
      await page.getByRole('heading', { name: `t ${text}`, exact: true }).waitFor()
      await page.getByText('Rows 1–1 of 1').waitFor()
    })
  }
})

describe.skipIf(reason)(`what may go wrong${reason ? `: ${reason}` : ''}`, () => {
  let site: Site
  const secret = 'x'.repeat(40)
  let tokens: Record<'all' | 'reader', string>

  beforeAll(async () => {
    const { SignJWT } = await import('jose')
    const sign = (claims: Record<string, string>) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(secret))
    tokens = { all: await sign({ sub: 'all' }), reader: await sign({ sub: 'reader', scope: 'datastore:read' }) }
    site = await openSite({ AUTH_TYPE: 'jwt', JWT_SECRET: secret, BASE_PATH: '/store', SITE_TITLE: 'Our <data>' })
    await site.act('datastore_create', TREES, { Authorization: tokens.all })
  })
  afterAll(() => site?.close())

  const enter = async (page: Page, token: string) => {
    await page.getByRole('button', { name: /^Token/ }).click()
    await page.getByLabel(/^The token/).fill(token)
    await page.getByRole('button', { name: 'Use it' }).click()
  }

  test('without a token nothing is listed; with one the tables are; it stays in the session alone', async () => {
    const page = await site.open('/')
    await page.getByText('Or none that may be read without a token.').waitFor()
    await page.goto(`${site.url}/#/table/trees`)
    await page
      .getByRole('alert')
      .getByText(/A token may/)
      .waitFor()
    await enter(page, tokens.reader)
    await page.getByText('of 250').waitFor()
    expect(await page.title()).toBe('trees – Our <data>')
    const kept = await page.evaluate(() => [Object.values(sessionStorage), localStorage.length, document.cookie])
    expect(kept).toEqual([[tokens.reader], 0, ''])
    await page.getByRole('tab', { name: 'Download' }).click()
    const waiting = page.waitForEvent('download')
    await page.getByRole('button', { name: 'CSV', exact: true }).click()
    expect((await waiting).suggestedFilename()).toBe('trees.csv')
    await page.getByRole('tab', { name: 'Use in a program' }).click()
    expect(await page.locator('main').textContent()).not.toContain(tokens.reader)
    await page.getByRole('button', { name: /^Token/ }).click()
    await page.getByRole('button', { name: 'Forget it' }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
    expect(site.complaints).toEqual([])
  })

  test('a token that is not valid, or can not be one, is asked about', async () => {
    const page = await site.open('/')
    await enter(page, `${tokens.all}x`)
    await page.getByText('is it still valid?').waitFor()
    await page.goto(`${site.url}/#/table/trees`)
    await page
      .getByRole('alert')
      .getByText(/The token does not permit it/)
      .waitFor()
    await enter(page, 'token–with–dashes')
    await page
      .getByRole('alert')
      .getByText(/The token holds a character that no token has/)
      .waitFor()
    await enter(page, tokens.reader)
    await page.getByText('of 250').waitFor()
    expect(site.complaints).toEqual([])
  })

  test('who may only read is told so when loading', async () => {
    const page = await site.open('/#/table/trees')
    await enter(page, tokens.reader)
    await page.getByRole('tab', { name: 'Load', exact: true }).click()
    const buffer = Buffer.from('id,species\n999,ash\n')
    await page.setInputFiles('input[type=file]', { name: 'more.csv', mimeType: 'text/csv', buffer })
    await page.getByRole('button', { name: 'Load', exact: true }).click()
    await page
      .getByRole('alert')
      .getByText(/The token does not permit it/)
      .waitFor()
  })

  test('a connection that breaks is told of, and tried again', async () => {
    const page = await site.open('/#/table/trees')
    await enter(page, tokens.reader)
    await page.getByText('of 250').waitFor()
    await page.route('**/datastore_search', (route) => route.abort('connectionreset'))
    await page.getByRole('button', { name: 'Next page' }).click()
    await page
      .getByRole('alert')
      .getByText(/connection broke/)
      .waitFor()
    await page.unroute('**/datastore_search')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('Rows 101–200 of 250').waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  test('a load whose connection breaks does not claim to be done', async () => {
    const page = await site.open('/#/table/trees?tab=load')
    await enter(page, tokens.all)
    await page.route('**/datastore/load/**', (route) => route.abort('connectionreset'))
    const buffer = Buffer.from('id,species\n999,ash\n')
    await page.setInputFiles('input[type=file]', { name: 'more.csv', mimeType: 'text/csv', buffer })
    await page.getByRole('button', { name: 'Load', exact: true }).click()
    await page
      .getByRole('alert')
      .getByText(/before the server said how the load ended/)
      .waitFor()
  })

  test('an address that there is not', async () => {
    const page = await site.open('/#/nowhere')
    await page.getByRole('link', { name: 'See all tables' }).click()
    await page.getByRole('heading', { name: 'Tables', exact: true }).waitFor()
  })
})
