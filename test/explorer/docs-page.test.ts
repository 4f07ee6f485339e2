import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSite, reasonWithoutBrowser, type Site, TREES } from './site.ts'

const reason = reasonWithoutBrowser()

describe.skipIf(reason)(`the page of the API${reason ? `: ${reason}` : ''}`, () => {
  let site: Site

  beforeAll(async () => {
    site = await openSite({ AUTH_TYPE: 'anonymous', BASE_PATH: '/store', SITE_TITLE: 'Open data' })
    await site.act('datastore_create', TREES)
  })
  afterAll(() => site?.close())

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`shows every operation, ${colorScheme}`, async () => {
      const page = await site.open('/docs', { colorScheme })
      await page.getByRole('heading', { name: 'Open data API' }).waitFor()
      expect(await page.locator('.opblock').count()).toBeGreaterThan(20)
      expect(await page.title()).toBe('API – Open data')
      expect(site.complaints).toEqual([])
    })
  }

  test('tries an operation out', async () => {
    const page = await site.open('/docs')
    const block = page.locator('#operations-Read-datastore_info_get')
    await block.click()
    await block.getByRole('button', { name: 'Try it out' }).click()
    await block.getByPlaceholder('resource_id').fill('trees')
    await block.getByRole('button', { name: 'Execute' }).click()
    await block.locator('.live-responses-table').getByText('200', { exact: true }).waitFor()
    expect(await block.locator('.live-responses-table').textContent()).toContain('"count": 250')
    expect(site.complaints).toEqual([])
  })

  test('leads to the explorer', async () => {
    const page = await site.open('/docs')
    await page.getByRole('link', { name: 'Open data', exact: true }).click()
    await page.getByRole('link', { name: 'trees' }).waitFor()
  })
})
