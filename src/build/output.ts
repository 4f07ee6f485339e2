/** A file that is generated, as it should be. */
export interface Output {
  /** From the project's root, with forward slashes. */
  path: string
  text: string
}

/** Reads what it needs under the project's root; writes nothing. */
export type Generator = (root: string) => Output[] | Promise<Output[]>
