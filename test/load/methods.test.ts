import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeTrees, methodsSuite, ok } from './methods.ts'
import type { LoadTarget } from './open.ts'
import { openTarget } from './open.ts'

methodsSuite(() => openTarget())

let target: LoadTarget
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.close())
const trees = () => makeTrees(target)

describe('beside others', () => {
  test('readers see all of the old rows or all of the new while a table is replaced', async () => {
    const id = await trees()
    const seen = new Set<string>()
    let running = true
    const reading = (async () => {
      while (running) {
        seen.add(String(ok(await target.act('search', { resource_id: id, limit: 0 })).total))
        // An answer that is remembered comes without a turn of the event loop.
        await setImmediate()
      }
    })()
    const file = `species\n${Array.from({ length: 50_000 }, (_, row) => `s${row}\n`).join('')}`
    const answer = await target.load(`${id}?method=replace`, file)
    running = false
    await reading
    ok(answer)
    seen.delete('2')
    seen.delete('50000')
    expect([...seen]).toEqual([])
  })

  test('two loads and an upsert of one table at once', async () => {
    const id = await trees()
    const part = (name: string) =>
      `species,height\n${Array.from({ length: 5000 }, (_, row) => `${name}${row},${row}.5\n`).join('')}`
    const answers = await Promise.all([
      target.load(id, part('a')),
      target.load(id, part('b')),
      target.act('upsert', { resource_id: id, method: 'insert', records: [{ species: 'ash', height: 1.25 }] }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    const result = ok(await target.act('search', { resource_id: id, limit: 1, sort: '_id desc' }))
    expect([result.total, result.records[0]._id]).toEqual([10_003, 10_003])
  })
})

test('columns of the system are passed over, and that is said', async () => {
  const { body } = await target.load(await trees(), '_id,species\n77,ash\n')
  expect(body.warnings).toEqual([expect.stringMatching(/_id of the file/)])
})

test('progress comes as events, and so does a failure', async () => {
  const id = await trees()
  const headers = { Accept: 'application/x-ndjson' }
  const events = async (body: string) => {
    const answer = await target.load(id, body, headers)
    expect(answer.status).toBe(200)
    return (answer.body as string)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  }
  const good = await events('species\nash\n')
  expect(good.map(({ event, stage }) => stage ?? event)).toEqual(['receiving', 'received', 'loading', 'done', 'done'])
  expect(good.at(-1)).toMatchObject({ event: 'done', success: true, result: { rows: 1 } })
  const bad = await events('species\noak\n')
  expect(bad.at(-1)).toMatchObject({
    event: 'error',
    status: 409,
    success: false,
    error: { __type: 'Validation Error' },
  })
})
