/** `species "x"` → `"species ""x"""`. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** `it's` → `'it''s'`. For texts that can't be bound, such as file paths in COPY. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** Values that a statement binds, collected while its text is put together. */
export class Parameters {
  readonly values: (string | number | null)[] = []

  /** Keeps the value and answers its placeholder, `$1`. */
  add(value: string | number | null): string {
    this.values.push(value)
    return `$${this.values.length}`
  }
}
