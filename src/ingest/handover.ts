interface Given<Item> {
  readonly item: Item
  settle(isTaken: boolean): void
}

/**
 * Where several givers hand items to one taker: a giver waits until its item is taken, or withdraws it, and items are
 * taken in the order in which they were given. After the end nothing is taken any more, and givers do not wait.
 */
export class Handover<Item> {
  #given: Given<Item>[] = []
  #end: { readonly error: unknown } | 'ended' | null = null
  #wake: () => void = () => {}

  /** True once the item is taken; false if it never will be: after the end, or because `signal` aborts before. */
  give(item: Item, signal: AbortSignal): Promise<boolean> {
    if (this.#end !== null || signal.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      const withdraw = () => {
        this.#given.splice(this.#given.indexOf(given), 1)
        resolve(false)
      }
      const settle = (isTaken: boolean) => {
        signal.removeEventListener('abort', withdraw)
        resolve(isTaken)
      }
      const given: Given<Item> = { item, settle }
      signal.addEventListener('abort', withdraw, { once: true })
      this.#given.push(given)
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
        next.settle(true)
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
    for (const { settle } of this.#given) settle(false)
    this.#given = []
    this.#wake()
  }
}
