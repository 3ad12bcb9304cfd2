/**
 * Where several givers hand items to one taker: a giver waits until its item is taken, and items are taken in the order
 * in which they were given. After the end nothing is taken any more, and givers do not wait.
 */
export class Handover<Item> {
  #given: { readonly item: Item; readonly taken: () => void }[] = []
  #end: { readonly error: unknown } | 'ended' | null = null
  #wake: () => void = () => {}

  /** Resolves once the item is taken, or will never be. */
  give(item: Item): Promise<void> {
    if (this.#end !== null) return Promise.resolve()
    return new Promise((taken) => {
      this.#given.push({ item, taken })
      this.#wake()
    })
  }

  /** The next item; null after the end. @throws what `fail` was given */
  async take(): Promise<Item | null> {
    for (;;) {
      if (this.#end === 'ended') return null
      if (this.#end !== null) throw this.#end.error
      const next = this.#given.shift()
      if (next !== undefined) {
        next.taken()
        return next.item
      }
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }

  end(): void {
    this.#finish('ended')
  }

  fail(error: unknown): void {
    this.#finish({ error })
  }

  /** The first ending counts. */
  #finish(end: { readonly error: unknown } | 'ended'): void {
    this.#end ??= end
    for (const { taken } of this.#given) taken()
    this.#given = []
    this.#wake()
  }
}
