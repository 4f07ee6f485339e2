import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../suites/source-tree.ts'

/** A page for readers, from the project's root. */
export interface Page {
  path: string
  text: string
  /** The text without blocks. */
  prose: string
  blocks: readonly Block[]
}

/** A fenced block: what a reader copies. */
export interface Block {
  /** The page and the first line: a block that is changed there is another one. */
  name: string
  page: string
  language: string
  /** Without the indentation of a list that it stands in. */
  text: string
}

const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
const paths = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'examples/README.md', 'samples/README.md'],
  ...['src/infrastructure/engines/README.md', 'test/fixtures/data/README.md'],
  ...docs.map((name) => `docs/${name}`),
]

/** Every page, in the order in which one would read them. */
export const pages: readonly Page[] = paths.map((path) => {
  const text = readFileSync(join(root, path), 'utf8')
  const prose = text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
  return { path, text, prose, blocks: blocksOf(path, text) }
})

export const blocks: readonly Block[] = pages.flatMap((page) => page.blocks)

function blocksOf(page: string, markdown: string): Block[] {
  const fences = markdown.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm)
  return [...fences].map(([, indent = '', language = '', body = '']) => {
    const text = body.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    return { name: `${page}: ${text.split('\n')[0]}`, page, language, text }
  })
}

/** What stands in the page as code: blocks, and words between backticks. */
export function codeOf({ prose, blocks }: Page): string[] {
  const indented = [...prose.matchAll(/^ {4}(\S.*)$/gm)].map(([, line = '']) => line)
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replaceAll('\n', ' '))
  return [...blocks.map((block) => block.text), ...indented, ...spans]
}
