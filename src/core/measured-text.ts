/**
 * A text that can be looked at only so often. Handed to a parser in the place of a string, it bounds the parser's work
 * whatever the grammar does: one that goes back and tries again looks again.
 */
export class MeasuredText {
  readonly #text: string
  #left: number

  /** @param looks how many characters or pieces may be asked for before `TextWornOut` is thrown */
  constructor(text: string, looks: number) {
    this.#text = text
    this.#left = looks
  }

  get length(): number {
    return this.#text.length
  }

  charAt(index: number): string {
    return this.#look().charAt(index)
  }

  charCodeAt(index: number): number {
    return this.#look().charCodeAt(index)
  }

  substr(start: number, length: number): string {
    return this.#look().slice(start, start + length)
  }

  #look(): string {
    this.#left -= 1
    if (this.#left < 0) throw new TextWornOut()
    return this.#text
  }
}

export class TextWornOut extends Error {}
