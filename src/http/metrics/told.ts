import type { Lag } from '../../observe/lag.ts'
import type { Ledger } from '../../observe/ledger.ts'
import type { Troubles } from '../../observe/troubles.ts'
import type { LettersStatus, ShardStatus } from '../../operate/status.ts'
import type { Check } from '../readiness.ts'
import type { Meter } from './meter.ts'

/** What is told of a relay: as it is now, each time it is asked. */
export interface Told {
  readonly ledger: Ledger
  readonly lag: Lag
  readonly meter: Meter
  readonly troubles: Troubles
  /** How long nothing came of work that is there. */
  idleMs(): number
  checks(): readonly Check[]
  /** Of the stream; null where nothing expires, and until the target is open. */
  retentionMs(): number | null
  /** Where the target stands; empty until it is open. */
  shards(): readonly ShardStatus[]
  /** The dead letters that are kept, as they were counted last; null before that, and where they cannot be counted. */
  letters(): LettersStatus | null
}
