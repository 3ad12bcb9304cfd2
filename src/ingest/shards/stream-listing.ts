import type { ServiceClock } from '../../aws/service-clock.ts'
import { RelayError } from '../../errors.ts'
import { type Listing, listingOf } from './lineage.ts'
import type { Stream } from './stream.ts'

export interface StreamListingOptions {
  readonly stream: Stream
  readonly clock: ServiceClock
  /** When the stream was created (ISO), if that is known already. */
  readonly created: string | null
}

/** What a listing found. */
interface Listed {
  readonly shards: Listing
  /** Epoch ms. */
  readonly heldSince: number
}

/** The shards of a stream as they were listed last, and how long it keeps a record. */
export class StreamListing {
  shards: Listing = new Map()
  /** Lists them again. Calls made meanwhile share one run, which began after them. @throws RelayError SOURCE_CHANGED */
  readonly look: () => Promise<void> = coalescing(() => this.#list())
  readonly #stream: Stream
  readonly #clock: ServiceClock
  readonly #signal: AbortSignal
  readonly #onListed: (listed: Listed) => void
  #created: string | null
  #retentionMs = 0

  /** @param onListed called once for each listing, before `look` resolves */
  constructor(
    { stream, clock, created }: StreamListingOptions,
    signal: AbortSignal,
    onListed: (listed: Listed) => void,
  ) {
    this.#stream = stream
    this.#clock = clock
    this.#created = created
    this.#signal = signal
    this.#onListed = onListed
  }

  /** The service still holds what arrived after this, epoch ms. */
  heldSince(): number {
    return this.#clock.earliest() - this.#retentionMs
  }

  /** Sees that it is still the same stream. Its retention may have been changed meanwhile. */
  async #list(): Promise<void> {
    const summary = await this.#stream.describe(this.#signal)
    this.#created ??= summary.created
    if (this.#created !== summary.created) {
      const detail = `The stream was deleted and created again: at ${this.#created} before, at ${summary.created} now`
      throw new RelayError('SOURCE_CHANGED', detail, { stream: this.#stream.name })
    }
    this.#retentionMs = summary.retentionMs
    this.shards = listingOf(await this.#stream.shards(this.#signal))
    this.#onListed({ shards: this.shards, heldSince: this.heldSince() })
  }
}

/** Calls made while `work` waits for its turn share one run of it; each call gets a run that began after it. */
function coalescing(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> = Promise.resolve()
  let next: Promise<void> | null = null
  return () => {
    next ??= running.then(() => {
      next = null
      const run = work()
      running = run.catch(() => {})
      return run
    })
    return next
  }
}
