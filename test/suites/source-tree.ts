import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface SourceFile {
  /** From the project's root, with forward slashes. */
  path: string
  /** What it imports, types and dynamic imports included: paths like `path`, or package names and `node:…`. */
  imports: string[]
  /** Line numbers of the type `any`. */
  anyLines: number[]
}

/** Every TypeScript file under these folders. */
export function readSources(...folders: string[]): SourceFile[] {
  return folders.flatMap((folder) => {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    return names
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => readSource(posix.join(folder, name.replaceAll('\\', '/'))))
  })
}

function readSource(path: string): SourceFile {
  const tree = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.Latest)
  const file: SourceFile = { path, imports: [], anyLines: [] }
  const visit = (node: ts.Node): void => {
    const specifier = importedBy(node)
    if (specifier !== undefined) file.imports.push(resolve(path, specifier))
    if (node.kind === ts.SyntaxKind.AnyKeyword)
      file.anyLines.push(tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1)
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return file
}

function importedBy(node: ts.Node): string | undefined {
  let specifier: ts.Node | undefined
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) specifier = node.moduleSpecifier
  else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    specifier = node.arguments[0]
  else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) specifier = node.argument.literal
  return specifier && ts.isStringLiteralLike(specifier) ? specifier.text : undefined
}

/** `./a.ts` → a path from the root; `@scope/name/part` → `@scope/name`. */
function resolve(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier)
  if (specifier.startsWith('node:')) return specifier
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
