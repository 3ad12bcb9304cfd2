/** A part of the budget that someone holds. */
export interface Lease {
  /** What is really held, once that is known; may be more than was reserved. */
  resize(bytes: number): void
  /** Twice is fine. */
  release(): void
}

interface Waiting {
  readonly bytes: number
  grant(): void
}

/** Bytes that the pages in hand may have, over all shards. Served in order of asking. */
export class MemoryBudget {
  readonly #total: number
  #free: number
  readonly #waiting: Waiting[] = []

  constructor(totalBytes: number) {
    this.#total = totalBytes
    this.#free = totalBytes
  }

  /**
   * Waits until `bytes` are free. A wish larger than the whole budget is served alone, so that everything passes.
   * @throws the signal's reason when it aborts first
   */
  async reserve(bytes: number, signal: AbortSignal): Promise<Lease> {
    signal.throwIfAborted()
    const wanted = Math.min(bytes, this.#total)
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        this.#serve()
        reject(signal.reason)
      }
      const waiting: Waiting = {
        bytes: wanted,
        grant: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(waiting)
      this.#serve()
    })
    return this.#lease(wanted)
  }

  #lease(bytes: number): Lease {
    let held = bytes
    const resize = (to: number): void => {
      this.#free += held - to
      held = to
      this.#serve()
    }
    return { resize, release: () => resize(0) }
  }

  #serve(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= next.bytes
      next.grant()
    }
  }
}
