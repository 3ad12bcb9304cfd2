/** When a batch that is not full is to be cut: after its wait, once nothing is in flight. */
export class DueTimer {
  #pending: { readonly waitMs: number; readonly timer: NodeJS.Timeout; readonly reached: Promise<'due'> } | null = null

  /** Nothing, or what resolves when it is time: for `Promise.race`. */
  get reached(): readonly Promise<'due'>[] {
    return this.#pending === null ? [] : [this.#pending.reached]
  }

  /** Begins to wait; goes on waiting if it does so already, for as long. */
  start(waitMs: number, inFlight: () => Promise<unknown>): void {
    if (this.#pending?.waitMs === waitMs) return
    this.cancel()
    const { promise: waited, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, waitMs)
    const reached = Promise.all([waited, inFlight()]).then(() => 'due' as const)
    reached.catch(() => {})
    this.#pending = { waitMs, timer, reached }
  }

  cancel(): void {
    clearTimeout(this.#pending?.timer)
    this.#pending = null
  }
}
