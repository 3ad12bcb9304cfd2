import { type Position, type Positions, SHARD_END } from '../position.ts'
import type { ObservedBatch, Observer, ReadPage } from './observer.ts'

interface ShardLag {
  /** Where the last page that was read ends, and how far behind the tip the service said that is. */
  readTo: Position
  behindMs: number
  /** Where the target stands. */
  durable: Position | null
}

/** How far the target is behind the stream. */
export class Lag implements Partial<Observer> {
  readonly #shards = new Map<string, ShardLag>()
  /** When the newest record that is durable came into the stream, epoch ms. */
  #upToMs = 0

  /** Where the target stands when reading begins. */
  begins(positions: Positions): void {
    this.#upToMs = newestOf(positions)
  }

  read(page: ReadPage): void {
    const durable = this.#shards.get(page.shard)?.durable ?? null
    this.#shards.set(page.shard, { readTo: page.end, behindMs: page.behindMs, durable })
  }

  wrote({ positions }: Pick<ObservedBatch, 'positions'>): void {
    this.#upToMs = Math.max(this.#upToMs, newestOf(positions))
    for (const [shard, position] of positions) {
      const lag = this.#shards.get(shard)
      if (lag === undefined) continue
      if (position.sequence === SHARD_END) this.#shards.delete(shard)
      else lag.durable = position
    }
  }

  /** Of the shard that is furthest behind: the age of what is not durable yet. 0 when all are caught up. */
  slowestMs(nowMs: number): number {
    let slowest = 0
    for (const [, ms] of this.byShard(nowMs)) slowest = Math.max(slowest, ms)
    return slowest
  }

  /** The same of each shard that is read. */
  *byShard(nowMs: number): Iterable<readonly [shard: string, ms: number]> {
    for (const [shard, { readTo, behindMs, durable }] of this.#shards) {
      const isPending = readTo.arrivedAt !== null && durable?.sequence !== readTo.sequence
      const age = isPending ? nowMs - (durable?.arrivedAt ?? readTo.arrivedAt!) : 0
      yield [shard, Math.max(behindMs, age)]
    }
  }

  /** How many shards are read. */
  shards(): number {
    return this.#shards.size
  }

  /** When the newest record that is durable came into the stream (ISO); null if that is not known. */
  upTo(): string | null {
    return this.#upToMs === 0 ? null : new Date(this.#upToMs).toISOString()
  }
}

const newestOf = (positions: Positions): number =>
  Math.max(0, ...Array.from(positions.values(), ({ arrivedAt }) => arrivedAt ?? 0))
