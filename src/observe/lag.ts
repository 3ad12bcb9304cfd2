import type { Page } from '../ingest/source.ts'
import { type Position, type Positions, SHARD_END } from '../position.ts'

interface ShardLag {
  /** Where the last page that was read ends, and how far behind the tip the service said that is. */
  readTo: Position
  behindMs: number
  /** Where the target stands. */
  durable: Position | null
}

/** How far the target is behind the stream. */
export class Lag {
  readonly #shards = new Map<string, ShardLag>()

  read(page: Page): void {
    const durable = this.#shards.get(page.shard)?.durable ?? null
    this.#shards.set(page.shard, { readTo: page.end, behindMs: page.behindMs, durable })
  }

  committed(moves: Positions): void {
    for (const [shard, position] of moves) {
      const lag = this.#shards.get(shard)
      if (lag === undefined) continue
      if (position.sequence === SHARD_END) this.#shards.delete(shard)
      else lag.durable = position
    }
  }

  /** Of the shard that is furthest behind: the age of what is not durable yet. 0 when all are caught up. */
  slowestMs(nowMs: number): number {
    let slowest = 0
    for (const { readTo, behindMs, durable } of this.#shards.values()) {
      const isPending = readTo.arrivedAt !== null && durable?.sequence !== readTo.sequence
      const age = isPending ? nowMs - (durable?.arrivedAt ?? readTo.arrivedAt!) : 0
      slowest = Math.max(slowest, behindMs, age)
    }
    return slowest
  }
}
