import type { Lag } from '../../observe/lag.ts'
import type { Ledger } from '../../observe/ledger.ts'
import { CappedLabels } from '../metrics/capped-labels.ts'
import type { BatchMeasures, Phase } from '../metrics/meter.ts'

/** One point of the charts. */
export interface Point {
  /** Epoch ms. */
  readonly at: number
  /** Changes a second since the point before, by what became of them. */
  readonly perSecond: {
    readonly applied: number
    readonly superseded: number
    readonly skipped: number
    readonly deadLettered: number
  }
  /** Shard → seconds behind. */
  readonly lag: Readonly<Record<string, number>>
  /** Mean seconds of the batches since the point before; empty if there were none. */
  readonly batch: Readonly<Partial<Record<Phase, number>>>
}

/** An hour. */
export const POINT_EVERY_MS = 5_000
const MOST_POINTS = 720
/** So many lines can be told apart; `other` is the worst of all other shards. */
const MOST_SHARDS = 12

/** How a relay did in the last hour, in a few hundred kilobytes. */
export class History {
  readonly #ledger: Ledger
  readonly #lag: Lag
  readonly #points: Point[] = []
  readonly #shards = new CappedLabels(MOST_SHARDS)
  #before: { readonly at: number; readonly counts: ReturnType<Ledger['counts']> } | null = null
  #batches = 0
  #seconds: Partial<Record<Phase, number>> = {}

  constructor(ledger: Ledger, lag: Lag) {
    this.#ledger = ledger
    this.#lag = lag
  }

  get points(): readonly Point[] {
    return this.#points
  }

  batch({ seconds }: BatchMeasures): void {
    this.#batches++
    for (const [phase, value] of Object.entries(seconds) as [Phase, number][]) {
      this.#seconds[phase] = (this.#seconds[phase] ?? 0) + value
    }
  }

  /** Adds a point. @param now epoch ms, later than that of the point before */
  tick(now: number): void {
    const counts = this.#ledger.counts()
    const before = this.#before
    this.#before = { at: now, counts }
    if (before === null) return
    const perSecond = (outcome: 'applied' | 'superseded' | 'skipped' | 'deadLettered'): number =>
      rounded(((counts[outcome] - before.counts[outcome]) * 1000) / (now - before.at))
    this.#points.push({
      at: now,
      perSecond: {
        applied: perSecond('applied'),
        superseded: perSecond('superseded'),
        skipped: perSecond('skipped'),
        deadLettered: perSecond('deadLettered'),
      },
      lag: this.#lags(now),
      batch: this.#takeBatches(),
    })
    if (this.#points.length > MOST_POINTS) this.#points.shift()
  }

  #lags(now: number): Record<string, number> {
    const lags = [...this.#lag.byShard(now)]
    this.#shards.retain(new Set(lags.map(([shard]) => shard)))
    const told: Record<string, number> = {}
    for (const [shard, ms] of lags) {
      const name = this.#shards.of(shard)
      told[name] = Math.max(told[name] ?? 0, rounded(ms / 1000))
    }
    return told
  }

  #takeBatches(): Partial<Record<Phase, number>> {
    const count = this.#batches
    const means = Object.entries(this.#seconds).map(([phase, sum]) => [phase, rounded(sum / count)])
    this.#batches = 0
    this.#seconds = {}
    return Object.fromEntries(means)
  }
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000
