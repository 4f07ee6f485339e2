/**
 * Builds the pages for people into modules under `dist/site/`, one for each page: scripts and styles bundled, named by
 * a hash, compressed, in base64. A module is what every runtime and bundler can load, also where there is no disk.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import type { Group } from '../api/site/files.ts'

const PAGES = { explorer: 'src/explorer/main.tsx', docs: 'src/explorer/docs.ts' } as const

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

/** The built files of one page. */
export async function buildPage(root: string, name: keyof typeof PAGES): Promise<Group> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { [name]: PAGES[name], [`${name}-icon`]: 'src/explorer/icon.svg' },
    loader: { '.svg': 'copy' },
    outdir: 'out',
    entryNames: '[name]-[hash]',
    chunkNames: `${name}-[name]-[hash]`,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'inline',
    write: false,
    logLevel: 'warning',
  })
  const files = outputFiles.map(({ path, contents }) => ({ name: basename(path), contents }))
  const named = (pattern: RegExp) => files.find((file) => pattern.test(file.name))?.name ?? ''
  return {
    script: named(new RegExp(`^${name}-[A-Z0-9]{8}\\.js$`)),
    style: named(new RegExp(`^${name}-[A-Z0-9]{8}\\.css$`)),
    icon: named(/-icon-[A-Z0-9]{8}\.svg$/),
    files: Object.fromEntries(files.map((file) => [file.name, packed(file)])),
  }
}

function packed({ name, contents }: { name: string; contents: Uint8Array }): Group['files'][string] {
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? ''
  return { type, gzip: gzipSync(contents, { level: 9 }).toString('base64') }
}

/** Builds every page. A server that runs meanwhile never reads half a file. */
export async function buildSite(root: string): Promise<void> {
  const folder = join(root, 'dist/site')
  mkdirSync(folder, { recursive: true })
  for (const name of Object.keys(PAGES) as (keyof typeof PAGES)[]) {
    const group = await buildPage(root, name)
    const path = join(folder, `${name}.js`)
    writeFileSync(`${path}.new`, `export const group = ${JSON.stringify(group, null, 1)}\n`)
    renameSync(`${path}.new`, path)
    for (const [file, { gzip }] of Object.entries(group.files)) {
      console.log(`${name}: ${file}, ${Math.ceil((gzip.length * 3) / 4 / 1024)} KiB compressed`)
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await buildSite(fileURLToPath(new URL('../..', import.meta.url)))
