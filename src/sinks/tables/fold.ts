import { compareDecimal } from '../../change.ts'

/** What one change does to one key. `row`: gives it this whole row; `gone`: takes its row away; `patch`: some columns of its row. */
export interface KeyChange<Detail> {
  readonly version: string
  readonly kind: 'row' | 'delete' | 'patch'
  readonly detail: Detail
}

/** What is left of the touches of one key: at most one that leaves nothing of what was, and what was laid over it, oldest first. */
export interface FoldedKey<Detail> {
  base: KeyChange<Detail> | null
  patches: KeyChange<Detail>[]
}

/** What can be written together: first every key's standing, then the moves. */
export interface FoldStep<Detail> {
  readonly keys: Map<string, FoldedKey<Detail>>
  /** Patches that also bring the row from another key. */
  readonly moves: Detail[]
}

/**
 * Folds the changes of one table, in order of arrival, by the one rule: of the touches of a key those that are older
 * than one that arrived before are superseded; a whole row or a removal supersedes all before it; patches add up.
 *
 * A patch that moves its row needs what stands at the old key, so it ends the round of both keys: what they are touched by
 * later goes into the next one. Nearly always there is one round.
 *
 * Patches add up only for a target that guards each of their columns by the version of its own patch: it may hold
 * something that lies between two of them.
 */
export class Fold<Detail> {
  readonly steps: FoldStep<Detail>[] = []
  /** Key → the first round that it may be touched in, where that is not the first one. */
  readonly #first = new Map<string, number>()

  add(key: string, touch: KeyChange<Detail>): void {
    const { keys: standing } = this.#round(this.#firstOf(key))
    const before = standing.get(key)
    if (before === undefined) {
      const isPatch = touch.kind === 'patch'
      standing.set(key, { base: isPatch ? null : touch, patches: isPatch ? [touch] : [] })
      return
    }
    const newest = before.patches.at(-1) ?? before.base!
    if (compareDecimal(touch.version, newest.version) < 0) return
    if (touch.kind === 'patch') before.patches.push(touch)
    else {
      before.base = touch
      before.patches = []
    }
  }

  /** A patch of the row at `to`, which until now is at `from`. */
  move(from: string, to: string, detail: Detail): void {
    const round = Math.max(this.#firstOf(from), this.#firstOf(to))
    this.#round(round).moves.push(detail)
    this.#first.set(from, round + 1)
    this.#first.set(to, round + 1)
  }

  /** What stands for the key so far is written before what comes. */
  close(key: string): void {
    const first = this.#firstOf(key)
    if (this.steps[first]?.keys.has(key)) this.#first.set(key, first + 1)
  }

  #firstOf(key: string): number {
    return this.#first.size === 0 ? 0 : (this.#first.get(key) ?? 0)
  }

  #round(index: number): FoldStep<Detail> {
    while (this.steps.length <= index) this.steps.push({ keys: new Map(), moves: [] })
    return this.steps[index]!
  }
}
