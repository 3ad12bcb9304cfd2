import { equals } from '../json-bytes.ts'

/** Of those that come one beside the other. */
const MOST_NAMES = 8

/** Names of which a stream has few: found by their bytes, so that a text is made of each only once. */
export class RepeatedNames {
  readonly #names: { readonly bytes: Uint8Array; readonly text: string }[] = []
  #next = 0

  /** The name whose UTF-8 is `bytes[start, end)`; null if it is not known. */
  find(bytes: Uint8Array, start: number, end: number): string | null {
    const names = this.#names
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!
      if (equals(bytes, start, end, name.bytes)) return name.text
    }
    return null
  }

  /** Keeps the name, in the place of the one that was kept first. */
  add(text: string): string {
    this.#names[this.#next] = { bytes: Buffer.from(text), text }
    this.#next = (this.#next + 1) % MOST_NAMES
    return text
  }
}
