/** The label value of all that are too many. */
const OTHER = 'other'

/** Keeps the values of a label few: the first that come keep their names, all others are `other`. */
export class CappedLabels {
  readonly #most: number
  readonly #named = new Set<string>()

  constructor(most: number) {
    this.#most = most
  }

  of(value: string): string {
    if (this.#named.has(value)) return value
    if (this.#named.size >= this.#most) return OTHER
    this.#named.add(value)
    return value
  }

  /** Values that are no more make room. */
  retain(values: ReadonlySet<string>): void {
    for (const value of this.#named) if (!values.has(value)) this.#named.delete(value)
  }
}
