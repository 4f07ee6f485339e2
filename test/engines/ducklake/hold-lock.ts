/** Writes many rows into a table in one call, and says whether they were written. */
import { Kit } from '../../suites/engine/kit.ts'
import { openEngine } from './open.ts'

const [id, rows] = process.argv.slice(2) as [string, string]
const engine = await openEngine(process.env as Record<string, string>)
const kit = new Kit(() => engine)
const records = Array.from({ length: Number(rows) }, (_, k) => ({ k, v: `row ${k}` }))
await kit.upsert(id, records).then(
  () => console.log('written'),
  (error) => console.log(error.status),
)
await engine.close()
