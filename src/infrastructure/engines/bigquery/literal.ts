/** A text as a GoogleSQL string literal, on one line. */
export function quoteString(text: string): string {
  const escaped = text.replace(/[\\'"\n\r\0]/g, (character) => ESCAPES[character] as string)
  return `'${escaped}'`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\\x00',
}
