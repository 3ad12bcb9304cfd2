import { setTimeout as sleep } from 'node:timers/promises'
import type { RawRecord } from '../../../src/change.ts'
import type { Page, Source } from '../../../src/ingest/source.ts'
import { type Position, type Positions, readFrom, SHARD_END } from '../../../src/position.ts'
import type { Delivery } from '../../support/dms-life/delivery.ts'
import type { Random } from '../../support/life/random.ts'

/** How a run ends before its stream does: an orderly stop, or a failure that leaves what is in hand unwritten. */
export interface Interruption {
  readonly how: 'stop' | 'failure'
  readonly afterRecords: number
}

export interface ScriptedSource extends Source {
  /** Aborts for an interruption by `stop`. */
  readonly stopped: AbortSignal
  /** Pages that were deferred, in front of a row whose table's key was not known yet. */
  readonly deferred: number
}

/** What an interruption by `failure` throws. */
export class Failed extends Error {}

const LONGEST_PAGE = 40
const REST_MS = 2

/** A stream that holds a delivery, in closed shards: pages of any size, from the shard whose records came first. */
export function scriptedSource(delivery: Delivery, interruption: Interruption | null, random: Random): ScriptedSource {
  const stopping = new AbortController()
  const records = recordsOf(delivery)
  const open = new OpenPages()

  async function* pages(positions: Positions, signal: AbortSignal): AsyncGenerator<Page> {
    const shards = records.map((ofShard, index) => new ScriptedShard(nameOf(index), ofShard, positions, open))
    let read = 0
    for (;;) {
      if (interruption !== null && read >= interruption.afterRecords) {
        if (interruption.how === 'failure') throw new Failed('The stream failed, as it was to')
        stopping.abort()
      }
      if (signal.aborted) return
      const shard = await nextShard(shards)
      if (shard === null) return await open.settled(signal)
      const page = shard.page(1 + random.below(LONGEST_PAGE))
      read += page.records.length
      yield page
    }
  }

  return {
    stopped: stopping.signal,
    get deferred() {
      return open.deferred
    },
    positions: 'ours',
    identify: async () => ({ id: 'life', created: 'once', retentionMs: null }),
    firstPositions: async () => new Map(),
    pages,
    close: async () => {},
  }
}

/** By shard. A record's sequence number is its place among all that came. */
function recordsOf({ arrivals, shards: { length } }: Delivery): RawRecord[][] {
  const records: RawRecord[][] = Array.from({ length }, () => [])
  for (const [index, { shard, record }] of arrivals.entries()) {
    const data = Buffer.from(record.data)
    records[shard]!.push({ shard: nameOf(shard), sequence: String(index + 1), arrivedAt: index, data })
  }
  return records
}

const nameOf = (shard: number): string => `shard-${shard}`

/** Pages that are neither committed nor deferred. */
class OpenPages {
  deferred = 0
  #count = 0
  #wake = (): void => {}

  add(): void {
    this.#count++
  }

  settle(): void {
    if (--this.#count === 0) this.#wake()
  }

  /** Resolves when there are none, or the signal aborts. */
  async settled(signal: AbortSignal): Promise<void> {
    if (this.#count === 0 || signal.aborted) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}

class ScriptedShard {
  /** Ends when a shard whose page was deferred may be read again. */
  rest: Promise<void> | null = null
  /** True if its last page was deferred. */
  isWaiting = false
  readonly #name: string
  readonly #records: readonly RawRecord[]
  readonly #open: OpenPages
  #next: number

  constructor(name: string, records: readonly RawRecord[], positions: Positions, open: OpenPages) {
    this.#name = name
    this.#records = records
    this.#open = open
    this.#next = firstUnread(records, positions.get(name))
  }

  get isReadOut(): boolean {
    return this.#next === this.#records.length
  }

  /** When its next record came. */
  get arrival(): number {
    return Number(this.#records[this.#next]!.sequence)
  }

  page(most: number): Page {
    const first = this.#next
    const records = this.#records.slice(first, first + most)
    this.#next += records.length
    const { sequence, arrivedAt } = records.at(-1)!
    this.#open.add()
    this.isWaiting = false
    let isSettled = false
    const settle = (): void => {
      if (!isSettled) this.#open.settle()
      isSettled = true
    }
    return {
      shard: this.#name,
      records,
      end: { sequence: this.isReadOut ? SHARD_END : sequence, arrivedAt, caughtUpAt: null },
      behindMs: 0,
      ack: settle,
      defer: (fromIndex) => {
        settle()
        this.#open.deferred++
        this.#next = first + fromIndex
        this.isWaiting = true
        this.rest = sleep(REST_MS).then(() => {
          this.rest = null
        })
      },
      failed: settle,
    }
  }
}

/**
 * Null when all are read out. What came first is read first; but shards that wait for a key must not keep the one from
 * being read that tells it, so those that do not wait come before them.
 */
async function nextShard(shards: readonly ScriptedShard[]): Promise<ScriptedShard | null> {
  const unread = shards.filter(({ isReadOut }) => !isReadOut)
  if (unread.length === 0) return null
  if (unread.every(({ rest }) => rest !== null)) await Promise.race(unread.map(({ rest }) => rest))
  const ready = unread.filter(({ rest }) => rest === null)
  const free = ready.filter(({ isWaiting }) => !isWaiting)
  return (free.length > 0 ? free : ready).reduce((one, other) => (one.arrival <= other.arrival ? one : other))
}

function firstUnread(records: readonly RawRecord[], position: Position | undefined): number {
  const place = readFrom(position)
  if (place.kind === 'end') return records.length
  if (place.kind !== 'after') return 0
  return records.findIndex(({ sequence }) => sequence === place.sequence) + 1
}
