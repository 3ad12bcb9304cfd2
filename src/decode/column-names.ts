import { equals } from '../json-bytes.ts'

/** The columns of images that have the same ones in the same order. */
export interface KnownNames {
  readonly names: readonly string[]
  /** Each as it stands in JSON, with its quotes. */
  readonly tokens: readonly Buffer[]
}

/** Images are of few tables, or their columns are of no use to remember. */
const MOST_KNOWN = 1000
const MOST_RECENT = 8

/** Makes one array of names for all images of the same columns. */
export class ColumnNames {
  readonly #known = new Map<string, KnownNames>()
  /** Those met last, the newest first. */
  #recent: KnownNames[] = []

  /** What is to be expected of an image whose first name begins at `start`; undefined where nothing is known. */
  candidate(bytes: Buffer, start: number, number: number): KnownNames | undefined {
    let seen = 0
    for (const known of this.#recent) {
      const first = known.tokens[0]!
      if (!equals(bytes, start, start + first.length, first)) continue
      if (seen++ === number) return known
    }
    return undefined
  }

  /** Those that were met become the first to be expected. */
  met(known: KnownNames): void {
    if (this.#recent[0] === known) return
    this.#recent = [known, ...this.#recent.filter((other) => other !== known)].slice(0, MOST_RECENT)
  }

  /** Null if a name comes twice. @param tokens names with their quotes, without escapes */
  known(tokens: readonly string[]): KnownNames | null {
    const key = tokens.join()
    let known = this.#known.get(key)
    if (known === undefined) {
      if (new Set(tokens).size < tokens.length) return null
      if (this.#known.size >= MOST_KNOWN) this.#known.clear()
      known = {
        names: tokens.map((token) => token.slice(1, -1)),
        tokens: tokens.map((token) => Buffer.from(token)),
      }
      this.#known.set(key, known)
    }
    this.met(known)
    return known
  }
}
