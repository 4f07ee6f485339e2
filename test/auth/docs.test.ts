import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import createProvider from '../../src/auth/jwt/index.ts'
import type { AuthProvider, Permission } from '../../src/auth/provider.ts'
import { providerContext } from '../fixtures/provider-context.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const blocks = [...readFileSync(`${root}/docs/auth.md`, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(
  ([, text]) => text ?? '',
)
/** The block of `docs/auth.md` that starts so. */
const block = (start: string) => blocks.find((text) => text.startsWith(start)) ?? `exit 1 # no block: ${start}`

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'auth-docs-'))
  symlinkSync(`${root}/node_modules`, join(folder, 'node_modules'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (script: string) =>
  execFileSync('sh', ['-euc', script], { cwd: folder, encoding: 'utf8' }).trim().split('\n')

test('the tokens of docs/auth.md may do what it says', async () => {
  const script = [block('export JWT_SECRET='), 'echo "$JWT_SECRET"', block('token() {'), block("token '")].join('\n')
  const [secret = '', ...tokens] = run(script)
  const provider = await createProvider(await providerContext({ JWT_SECRET: secret, JWT_AUDIENCE: 'datastore' }))
  const reach = [
    { everything: true, reads: true, trees: true },
    { everything: false, reads: true, trees: false },
    { everything: false, reads: false, trees: true },
  ]
  expect(tokens).toHaveLength(reach.length)
  for (const [index, credential] of tokens.entries()) {
    const found = {
      everything: await may(provider, credential, 'delete', 'streets'),
      reads: await may(provider, credential, 'read', 'streets'),
      trees: await may(provider, credential, 'update', 'trees-2024'),
    }
    expect(found).toEqual(reach[index])
  }
})

test('the key pair of docs/auth.md can be started with', async () => {
  const [algorithm = '', ...pem] = run(`${block('openssl genpkey')}\necho "$JWT_ALGORITHM"\necho "$JWT_PUBLIC_KEY"`)
  await createProvider(await providerContext({ JWT_ALGORITHM: algorithm, JWT_PUBLIC_KEY: pem.join('\n') }))
})

const may = (provider: AuthProvider, credential: string, permission: Permission, resourceId: string) =>
  provider.authorize({ permission, resourceId, credential }).then(
    () => true,
    () => false,
  )
