import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('no function of the default list ends the process over deep JSON', async () => {
  const script = fileURLToPath(new URL('./deep-json.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script])
  let said = ''
  child.stdout.on('data', (chunk) => (said += chunk))
  await once(child, 'close')
  // Where it ended, should it not have come to the end.
  expect(said.split('\n').at(-1)).toBe('all done')
}, 120_000)
