import { compareDecimal } from '../../change.ts'

/** What one change does to one key. `row` sets the whole row, `delete` removes it, `patch` sets some of its columns. */
export interface KeyChange {
  readonly version: string
  readonly kind: 'row' | 'delete' | 'patch'
}

/** A key with patches: at most one change that replaces all before it, and the patches after it, oldest first. */
export class Patched<Entry extends KeyChange> {
  readonly base: Entry | null
  readonly patches: Entry[]

  constructor(base: Entry | null, patches: Entry[]) {
    this.base = base
    this.patches = patches
  }
}

/** What is left of the changes of one key. Most have one, a row or a delete, and that stands here itself: no object is made for it. */
export type FoldedKey<Entry extends KeyChange> = Entry | Patched<Entry>

/** What can be written together: first what is folded for each key, then the moves. */
export interface FoldStep<Entry extends KeyChange> {
  readonly keys: Map<string, FoldedKey<Entry>>
  /** Patches that also bring the row from another key. */
  readonly moves: Entry[]
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
export class Fold<Entry extends KeyChange> {
  readonly steps: FoldStep<Entry>[] = []
  /** Key → the first step that may change it, where that is not the first one. */
  readonly #first = new Map<string, number>()

  add(key: string, change: Entry): void {
    const { keys: folded } = this.#step(this.#firstOf(key))
    const before = folded.get(key)
    const newest = before instanceof Patched ? before.patches.at(-1)! : before
    if (newest !== undefined && compareDecimal(change.version, newest.version) < 0) return
    if (change.kind !== 'patch') folded.set(key, change)
    else if (before instanceof Patched) before.patches.push(change)
    else folded.set(key, new Patched(before ?? null, [change]))
  }

  /** A patch of the row at `to`, which until now is at `from`. */
  move(from: string, to: string, patch: Entry): void {
    const step = Math.max(this.#firstOf(from), this.#firstOf(to))
    this.#step(step).moves.push(patch)
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

  #step(index: number): FoldStep<Entry> {
    while (this.steps.length <= index) this.steps.push({ keys: new Map(), moves: [] })
    return this.steps[index]!
  }
}
