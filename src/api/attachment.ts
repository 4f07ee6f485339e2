/** A `Content-Disposition` that no file name can break out of. Browsers read the second form, old clients the first. */
export function attachment(filename: string): string {
  const plain = filename.replace(/[^\x20-\x7e]|["\\%/]/g, '_')
  if (plain === filename) return `attachment; filename="${filename}"`
  const wellFormed = new TextDecoder().decode(new TextEncoder().encode(filename))
  const encoded = encodeURIComponent(wellFormed).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
