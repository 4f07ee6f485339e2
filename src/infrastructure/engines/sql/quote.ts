/** `species "x"` → `"species ""x"""`. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** `it's` → `'it''s'`. SQL text ends at a NUL character, so that one is put together at run time. */
export function quoteLiteral(text: string): string {
  const literal = `'${text.replaceAll("'", "''")}'`
  return literal.includes('\0') ? `(${literal.replaceAll('\0', "' || chr(0) || '")})` : literal
}

/** Takes the values of a statement while its text is put together; answers what stands for each in the text. */
export interface Values {
  add(value: string): string
}

/** Values written into the text. DuckDB plans a statement with parameters twice, which costs a small page a third more. */
export const literals: Values = { add: quoteLiteral }
