import type { UnderlyingType } from './relation.ts'

const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 60_000
/** Of a column, that are remembered. */
const MOST_LABELS = 100

/**
 * When the catalogue is asked again for the labels of a table's enums: as soon as one is missed, for it may have been added
 * since; and while it stays unknown, at a falling rate.
 */
export class LabelLooks {
  readonly #now: () => number
  #labels = ''
  #isMissed = false
  readonly #lacking = new Map<string, Set<string>>()
  #dueAtMs = 0
  #waitMs = 0

  /** @param now milliseconds on a clock that only goes forward */
  constructor(now: () => number) {
    this.#now = now
  }

  /** The catalogue was asked. */
  looked(types: readonly UnderlyingType[]): void {
    const labels = JSON.stringify(types.map(labelsOf))
    const isFruitless = this.#isMissed && labels === this.#labels
    this.#waitMs = isFruitless ? Math.min(LONGEST_WAIT_MS, 2 * this.#waitMs || FIRST_WAIT_MS) : 0
    this.#dueAtMs = this.#now() + this.#waitMs
    this.#labels = labels
    this.#isMissed = false
  }

  /** @param label of a column whose type is an enum; undefined where it is a part of something else */
  missed(column: string, label?: string): void {
    this.#isMissed = true
    if (label === undefined) return
    const labels = this.#lacking.get(column) ?? new Set()
    this.#lacking.set(column, labels)
    if (labels.size < MOST_LABELS) labels.add(label)
  }

  /** The labels that values of a column had and its type lacks. */
  lackedBy(column: string, { labels = [] }: UnderlyingType): readonly string[] {
    return [...(this.#lacking.get(column) ?? [])].filter((label) => !labels.includes(label))
  }

  isDue(): boolean {
    return this.#isMissed && this.#now() >= this.#dueAtMs
  }
}

/** Of an enum, and of what is made of enums. */
export function labelsOf({ labels, element, subtype, attributes = [] }: UnderlyingType): readonly string[] {
  const parts = [element, subtype, ...attributes].filter((part) => part !== undefined)
  return [...(labels ?? []), ...parts.flatMap(labelsOf)]
}
