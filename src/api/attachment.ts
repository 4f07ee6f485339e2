import type { FileKind } from '../services/dump.ts'

/** The headers that tell what a file is, what it is called, and how long it is where that is known. */
export function fileHeaders({ contentType, filename, length }: FileKind & { length?: number }): Record<string, string> {
  return {
    'Content-Type': contentType,
    'Content-Disposition': attachment(filename),
    ...(length !== undefined && { 'Content-Length': String(length) }),
  }
}

/** A `Content-Disposition` that no file name can break out of. Browsers read the second form, old clients the first. */
function attachment(filename: string): string {
  const plain = filename.replace(/[^\x20-\x7e]|["\\%/]/g, '_')
  if (plain === filename) return `attachment; filename="${filename}"`
  const wellFormed = new TextDecoder().decode(new TextEncoder().encode(filename))
  const encoded = encodeURIComponent(wellFormed).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
