import { compareDecimal } from '../../change.ts'

/** What one change does to one key. `row` sets the whole row, `delete` removes it, `patch` sets some of its columns. */
export interface KeyChange<Detail> {
  readonly version: string
  readonly kind: 'row' | 'delete' | 'patch'
  readonly detail: Detail
}

/** What is left of the changes of one key: at most one that replaces all before it, and the patches after it, oldest first. */
export interface FoldedKey<Detail> {
  base: KeyChange<Detail> | null
  patches: KeyChange<Detail>[]
}

/** One for all: most keys have none. */
const NO_PATCHES: never[] = []
Object.freeze(NO_PATCHES)

/** What can be written together: first what is folded for each key, then the moves. */
export interface FoldStep<Detail> {
  readonly keys: Map<string, FoldedKey<Detail>>
  /** Patches that also bring the row from another key. */
  readonly moves: Detail[]
}

/**
 * Folds the changes of one table, in order of arrival, by the one rule: a change of a key that is older than one that arrived
 * before it is superseded; a whole row or a delete supersedes all before it; patches add up.
 *
 * A patch that moves its row needs the row at the old key, so it ends the step of both keys: their later changes go into the
 * next step. Nearly always there is one step.
 *
 * Patches add up only for a target that guards each of their columns by the version of its own patch: it may hold
 * something that lies between two of them.
 */
export class Fold<Detail> {
  readonly steps: FoldStep<Detail>[] = []
  /** Key → the first step that may change it, where that is not the first one. */
  readonly #first = new Map<string, number>()

  add(key: string, change: KeyChange<Detail>): void {
    const { keys: folded } = this.#step(this.#firstOf(key))
    const before = folded.get(key)
    if (before === undefined) {
      const isPatch = change.kind === 'patch'
      folded.set(key, { base: isPatch ? null : change, patches: isPatch ? [change] : NO_PATCHES })
      return
    }
    const newest = before.patches.at(-1) ?? before.base!
    if (compareDecimal(change.version, newest.version) < 0) return
    if (change.kind === 'patch') {
      if (before.patches === NO_PATCHES) before.patches = [change]
      else before.patches.push(change)
    } else {
      before.base = change
      before.patches = NO_PATCHES
    }
  }

  /** A patch of the row at `to`, which until now is at `from`. */
  move(from: string, to: string, detail: Detail): void {
    const step = Math.max(this.#firstOf(from), this.#firstOf(to))
    this.#step(step).moves.push(detail)
    this.#first.set(from, step + 1)
    this.#first.set(to, step + 1)
  }

  /** What is folded for the key so far is written before what comes later. */
  close(key: string): void {
    const first = this.#firstOf(key)
    if (this.steps[first]?.keys.has(key)) this.#first.set(key, first + 1)
  }

  #firstOf(key: string): number {
    return this.#first.size === 0 ? 0 : (this.#first.get(key) ?? 0)
  }

  #step(index: number): FoldStep<Detail> {
    while (this.steps.length <= index) this.steps.push({ keys: new Map(), moves: [] })
    return this.steps[index]!
  }
}
