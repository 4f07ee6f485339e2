import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BadFile, FileCase } from './files.ts'
import type { LoadTarget } from './open.ts'

const bodyOf = ({ body }: FileCase) => (typeof body === 'function' ? body() : body)
const columnsOf = (fields: readonly { id: string; type: string }[]) =>
  Object.fromEntries(fields.map(({ id, type }) => [id, type]))

/** Regular expressions in the place of texts. */
function loosely(value: unknown): unknown {
  if (value instanceof RegExp) return expect.stringMatching(value)
  if (Array.isArray(value)) return value.map(loosely)
  if (typeof value !== 'object' || value === null) return value
  return expect.objectContaining(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, loosely(item)])))
}

/** What becomes of files, and of those that are refused, on any engine. */
export function filesSuite(
  open: () => Promise<LoadTarget>,
  { taken, refused }: { taken: Readonly<Record<string, readonly FileCase[]>>; refused: readonly BadFile[] },
): void {
  let target: LoadTarget
  beforeAll(async () => {
    target = await open()
  })
  afterAll(() => target.close())
  let last = 0

  async function check(file: FileCase): Promise<void> {
    last += 1
    const id = `file-${last}`
    const { status, body } = await target.load(`${id}?${file.query ?? ''}`, bodyOf(file), file.headers)
    expect([status, body.error]).toEqual([200, undefined])
    if (file.types) expect(columnsOf(body.result.fields)).toMatchObject(file.types)
    const names = body.result.fields.map((field: { id: string }) => field.id).join(',')
    if (file.rows !== undefined && names !== '') {
      const dumped = await target.dump(`${id}?fields=${encodeURIComponent(names)}`)
      expect(dumped.slice(dumped.indexOf('\r\n') + 2)).toBe(file.rows)
    }
  }

  for (const [name, files] of Object.entries(taken)) {
    describe(name, () => {
      for (const file of files) test(file.name, () => check(file))
    })
  }

  describe('a file that is refused leaves nothing', () => {
    for (const file of refused) {
      test(file.name, async () => {
        last += 1
        const id = `file-${last}`
        const { status, body } = await target.load(`${id}?${encodeURI(file.query ?? '')}`, bodyOf(file), file.headers)
        expect([status, body.error]).toEqual([file.status ?? 409, loosely(file.error)])
        expect((await target.act('info', { id })).status).toBe(404)
        expect(await target.leftovers()).toEqual([])
      })
    }
  })
}
