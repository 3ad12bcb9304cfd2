import type { Lag } from '../observe/lag.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Log } from '../observe/log.ts'
import { type Observer, observers } from '../observe/observer.ts'
import type { Troubles } from '../observe/troubles.ts'
import type { LettersStatus, ShardStatus, Status } from '../operate/status.ts'
import { countsOf } from './metrics/counts.ts'
import { type BatchMeasures, Meter } from './metrics/meter.ts'
import { processSamples } from './metrics/process.ts'
import type { Sampled } from './metrics/sampled.ts'
import { standingOf } from './metrics/standing.ts'
import { troublesOf } from './metrics/troubles-told.ts'
import { checksOf, type ReadinessLimits } from './readiness.ts'
import { LastLetters } from './watch/last-letters.ts'
import { LastWarnings } from './watch/last-warnings.ts'
import type { PageTold } from './watch/page-state.ts'

export interface RelayWatchOptions {
  /** The name of the relay. */
  readonly relay: string
  readonly version: string
  readonly ledger: Ledger
  readonly lag: Lag
  readonly troubles: Troubles
  /** How long nothing came of work that is there. */
  readonly idleMs: () => number
  readonly limits: ReadinessLimits
  /** Option → value, for people. */
  readonly settings: Readonly<Record<string, string>>
  readonly log: Log
}

/** What an open relay tells. None of it waits for a batch, and none of it throws. */
export interface OpenRelay {
  readonly retentionMs: number | null
  shards(): readonly ShardStatus[]
  /** The dead letters that are kept, as counted last; null before that, and where they cannot be counted. */
  letters(): LettersStatus | null
  /** What `cdc-relay status` prints. */
  status(): Promise<Status>
  /** The same with what was known last of what the target must be asked for; null before that. */
  overview(): Status | null
  /** Shard → those that it came from, as known last; null before that, and where shards come from nowhere. */
  lineage(): ReadonlyMap<string, readonly string[]> | null
}

/** What is known of a run, for whoever tells it: over HTTP, or by OpenTelemetry. */
export interface RelayWatch {
  readonly observer: Partial<Observer>
  /** That of the options, whose warnings are kept, too. */
  readonly log: Log
  readonly told: PageTold
  /** All metrics but those of single batches. */
  readonly samples: readonly Sampled[]
  /** Calls it with each batch that is durable. */
  onBatch(hears: (measures: BatchMeasures) => void): void
  /** The relay is open. */
  opened(relay: OpenRelay): void
  /** What `cdc-relay status` prints; null until the relay is open. */
  status(): Promise<Status> | null
}

export function relayWatch(options: RelayWatchOptions): RelayWatch {
  const { relay: name, version, ledger, lag, troubles, idleMs, limits, settings } = options
  let relay: OpenRelay | null = null
  const hearing: ((measures: BatchMeasures) => void)[] = []
  const lastLetters = new LastLetters()
  const lastWarnings = new LastWarnings()
  const meter = new Meter((measures) => {
    for (const hears of hearing) hears(measures)
  })
  const checks = () => {
    const standing = { isOpen: meter.isOpen, troubles: troubles.now(), idleMs: idleMs(), parked: ledger.parkedTables }
    return checksOf(standing, limits, Date.now())
  }
  const told: PageTold = {
    ...{ relay: name, version, settings, ledger, lag, meter, troubles, lastLetters, lastWarnings, idleMs, checks },
    retentionMs: () => relay?.retentionMs ?? null,
    shards: () => relay?.shards() ?? [],
    letters: () => relay?.letters() ?? null,
    overview: () => relay?.overview() ?? null,
    lineage: () => relay?.lineage() ?? null,
  }
  return {
    observer: observers(meter, lastLetters),
    log: lastWarnings.of(options.log),
    told,
    samples: [...countsOf(told), ...troublesOf(told), ...standingOf(told), ...processSamples()],
    onBatch: (hears) => void hearing.push(hears),
    opened(opened) {
      relay = opened
    },
    status: () => relay?.status() ?? null,
  }
}
