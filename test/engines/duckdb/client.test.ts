import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Session } from '../../../src/infrastructure/engines/duckdb/client.ts'
import { Client } from '../../../src/infrastructure/engines/duckdb/client.ts'
import { emptyFolder, foldersIn } from '../../../src/infrastructure/engines/duckdb/folder.ts'

vi.setConfig({ testTimeout: 120_000 })

const LONG = 'SELECT count(*) FROM range(20000) a, range(2000) b WHERE a.range * b.range % 7 = 1'
const ENDLESS = 'SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 1'

let path: string
beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'client-'))
})
afterAll(() => rm(path, { recursive: true }))

let client: Client
afterEach(() => client.close())

interface Given {
  isWorn?: (session: Session) => Promise<boolean>
  failOpening?: (number: number) => boolean
}

/** A client whose instances say which they are. */
async function openNumbered({ isWorn, failOpening = () => false }: Given = {}): Promise<Client> {
  const folders = foldersIn(path)
  for (const folder of Object.values(folders)) await emptyFolder(folder)
  let number = 0
  client = await Client.open({
    folders,
    async open() {
      number += 1
      if (failOpening(number)) throw new Error('it can not be opened')
      const instance = await DuckDBInstance.create(':memory:')
      const connection = await instance.connect()
      await connection.run(`CREATE TABLE number AS SELECT ${number} AS n`)
      connection.closeSync()
      return instance
    },
    ...(isWorn && { isWorn }),
  })
  return client
}

const numberOf = async (session: Session) => (await session.row('SELECT n FROM number'))?.[0]
const current = () => client.session(numberOf)

/** Waits until another instance serves. */
async function exchanged(from: number): Promise<void> {
  await expect.poll(current, { timeout: 100_000, interval: 100 }).toBeGreaterThan(from)
}

describe('a worn instance', () => {
  test('is exchanged while sessions run on it, and closed when the last has left', async () => {
    let worn = false
    await openNumbered({ isWorn: async () => worn })
    const patient = await client.patientSession()
    await patient.session.run('BEGIN')
    expect(await numberOf(patient.session)).toBe(1)
    const long = client.session((session) => session.row(LONG))
    worn = true
    await exchanged(1)
    worn = false
    expect(await numberOf(patient.session)).toBe(1)
    expect(await long).toBeDefined()
    await expect.poll(() => client.activity.connections?.busy, { timeout: 100_000 }).toBe(1)
    patient.release()
    await expect.poll(() => client.activity.connections?.busy, { timeout: 100_000 }).toBe(0)
    await expect(patient.session.run('SELECT 1')).rejects.toThrow('ended')
    expect(await current()).toBeGreaterThan(1)
  })

  test('goes on where no other can be opened, or where nobody can tell', async () => {
    let asked = 0
    await openNumbered({
      isWorn: async (session) => {
        asked += 1
        if (asked === 1) await session.run('FROM nowhere')
        return true
      },
      failOpening: (number) => number > 1,
    })
    await expect.poll(() => current().then(() => asked), { timeout: 100_000, interval: 100 }).toBeGreaterThan(2)
    expect(await current()).toBe(1)
  })

  test('is exchanged again and again beside many sessions', async () => {
    await openNumbered({ isWorn: async () => true })
    const seen = new Set<unknown>()
    const read = async () => {
      while (seen.size < 4) seen.add(await current())
    }
    await Promise.all(Array.from({ length: 8 }, read))
  })
})

describe('a connection', () => {
  test('is nobody else’s, and not closed, before the last statement on it is done', async () => {
    await openNumbered()
    let done = false
    let kept: Session | undefined
    await client.session(async (session) => {
      kept = session
      void session.row(LONG).then(() => {
        done = true
      })
    })
    expect(done).toBe(true)
    await expect(kept?.run('SELECT 1')).rejects.toThrow('ended')
  })

  test('that was told to stop is closed after it has stopped', async () => {
    await openNumbered()
    const leaving = new AbortController()
    const session = client.session(async (session) => void session.row(ENDLESS).catch(() => {}), leaving.signal)
    setTimeout(() => leaving.abort(new Error('left')), 50)
    await session
    expect(client.activity.connections).toEqual({ busy: 0, idle: 0 })
  })

  test.each([1, 5])('of a patient session whose statement runs is waited for by a close, %s of them', async (count) => {
    await openNumbered()
    const patients = await Promise.all(Array.from({ length: count }, () => client.patientSession()))
    const outcomes = patients.map(({ session }) => session.row(ENDLESS).then(String, (error: Error) => error.message))
    await client.close()
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toContain('INTERRUPT')
    await expect(patients[0]?.session.run('SELECT 1')).rejects.toMatchObject({ status: 503 })
    for (const { release } of patients) release()
  })

  test('that is being made while all is closed is waited for', async () => {
    await openNumbered()
    const patients = Array.from({ length: 5 }, () => client.patientSession())
    await Promise.all([client.close(), ...patients])
    for (const { session } of await Promise.all(patients))
      await expect(session.run('SELECT 1')).rejects.toMatchObject({ status: 503 })
  })
})

// DuckDB ends the process when a connection is closed before a query on it has begun.
test('what comes at any moment of a close is answered or refused', async () => {
  for (let moment = 0; moment < 30; moment += 1) {
    const closing = await openNumbered()
    const [plain, raw] = [await closing.patientSession(), await closing.patientSession()]
    const late = async (work: () => Promise<unknown>) => {
      for (let turn = 0; turn < moment; turn += 1) await Promise.resolve()
      await work().catch((error) => expect(String(error)).toMatch(/Interrupted|closing/))
    }
    await Promise.all([
      closing.close(),
      late(() => plain.session.rows('SELECT 1')),
      late(() => closing.turn(async () => raw.session.connection.run('SELECT 1'))),
    ])
    expect(() => raw.session.connection).toThrow('closing')
  }
})
