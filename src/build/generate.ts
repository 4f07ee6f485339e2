/**
 * Writes every generated file, or with `--check` says which ones are stale and fails. Generated files are committed,
 * so that a reader and a bundler find them; `npm run check` keeps them true.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configurationDocs } from './configuration-docs.ts'
import { moduleMaps } from './module-maps.ts'
import { openapiDocument } from './openapi/document.ts'
import type { Generator, Output } from './output.ts'
import { postmanCollection } from './postman.ts'
import { versionModule } from './version.ts'

const generators: readonly Generator[] = [
  versionModule,
  moduleMaps,
  configurationDocs,
  openapiDocument,
  postmanCollection,
]

/** The generated files that are not as they should be. */
export async function staleOutputs(root: string): Promise<Output[]> {
  const outputs: Output[] = []
  for (const generator of generators) outputs.push(...(await generator(root)))
  return outputs.filter(({ path, text }) => stored(join(root, path)) !== text)
}

function stored(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

async function main(check: boolean): Promise<void> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  for (const { path, text } of await staleOutputs(root)) {
    if (check) {
      console.error(`${path} is stale: run "npm run gen" and commit it`)
      process.exitCode = 1
      continue
    }
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    console.log(`wrote ${path}`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.includes('--check'))
