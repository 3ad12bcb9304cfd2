import prettyMs from 'pretty-ms'
import { RelayError } from '../errors.ts'
import type { NamedSource } from '../ingest/entry.ts'
import type { Page } from '../ingest/source.ts'
import type { Observer } from '../observe/observer.ts'
import { SHARD_END } from '../position.ts'
import { MOST_RETRY_WAIT_MS, type Work } from '../retry.ts'

/**
 * Notices that nothing comes of work that is there: pages were given, and for too long none of them is written, given back, or met a
 * failure after which it is tried again. What hangs so neither ends nor fails, so only the end of the process helps.
 *
 * Waiting for a target that is away is no stall: each attempt fails, and says so.
 */
export class StallWatch implements Partial<Observer> {
  readonly #timeoutMs: number
  readonly #now: () => number
  readonly #open = new Set<Page>()
  readonly #retried = new Set<Work>()
  /** When something came of work last, or when there was some again. */
  #aliveAt = 0

  /** @param now a monotonic clock, milliseconds */
  constructor(timeoutMs: number, now: () => number = () => performance.now()) {
    this.#timeoutMs = timeoutMs
    this.#now = now
  }

  /** The same source, whose pages are watched. */
  watch(source: NamedSource): NamedSource {
    const begun = (page: Page): Page => this.#begin(page)
    return {
      ...source,
      async *pages(positions, signal) {
        for await (const page of source.pages(positions, signal)) yield begun(page)
      },
    }
  }

  #begin(page: Page): Page {
    const isWork = page.records.length > 0 || page.end.sequence === SHARD_END
    if (!isWork) return page
    if (this.#open.size === 0) this.#aliveAt = this.#now()
    this.#open.add(page)
    const over = (): void => {
      this.#open.delete(page)
      this.#aliveAt = this.#now()
    }
    return {
      ...page,
      ack: () => {
        over()
        page.ack()
      },
      defer: (fromIndex) => {
        if (fromIndex === 0) over()
        else this.#aliveAt = this.#now()
        page.defer(fromIndex)
      },
      failed: (error) => {
        over()
        page.failed(error)
      },
    }
  }

  failed(work: Work): void {
    this.#retried.add(work)
    this.#aliveAt = this.#now()
  }

  ended(work: Work): void {
    this.#retried.delete(work)
    this.#aliveAt = this.#now()
  }

  rewound(): void {
    this.#open.clear()
  }

  /** How long nothing came of work that is there, milliseconds; 0 if there is none. */
  idleMs(): number {
    return this.#open.size === 0 ? 0 : this.#now() - this.#aliveAt
  }

  /** What is to be said once work has stalled; null as long as it has not. */
  stalled(): RelayError | null {
    if (this.#open.size === 0) return null
    const waitedMs = this.idleMs()
    const mayWaitMs = this.#timeoutMs + (this.#retried.size === 0 ? 0 : MOST_RETRY_WAIT_MS)
    if (waitedMs < mayWaitMs) return null
    const shards = [...new Set(Array.from(this.#open, ({ shard }) => shard))]
    const some = shards.slice(0, 5).join(', ') + (shards.length > 5 ? ` and ${shards.length - 5} more shards` : '')
    const detail = `For ${prettyMs(waitedMs, { compact: true })} nothing came of what was read of ${some}: it was neither written nor refused, and no attempt failed (\`--stall-timeout\` gives it more time)`
    return new RelayError('STALLED', detail)
  }
}
