import { setImmediate as turn } from 'node:timers/promises'

/** When a batch that is not full is to be cut: after the first of its waits that is over, once nothing is in flight. */
export class DueTimer {
  readonly #waits = new Map<number, Wait>()

  /** What resolves when it is time, for each wait: for `Promise.race`. */
  get reached(): readonly Promise<'due'>[] {
    return [...this.#waits.values()].map(({ reached }) => reached)
  }

  /** Begins to wait that long; goes on if it does so already. Of 0 ms: for what comes in the same turn of the event loop. */
  start(waitMs: number, inFlight: () => Promise<unknown>): void {
    if (this.#waits.has(waitMs)) return
    const { waited, cancel } = waitMs === 0 ? { waited: turn(), cancel: () => {} } : timeout(waitMs)
    const reached = Promise.all([waited, inFlight()]).then(() => 'due' as const)
    reached.catch(() => {})
    this.#waits.set(waitMs, { reached, cancel })
  }

  cancel(): void {
    for (const { cancel } of this.#waits.values()) cancel()
    this.#waits.clear()
  }
}

interface Wait {
  readonly reached: Promise<'due'>
  cancel(): void
}

function timeout(waitMs: number): { waited: Promise<void>; cancel(): void } {
  const { promise: waited, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, waitMs)
  return { waited, cancel: () => clearTimeout(timer) }
}
