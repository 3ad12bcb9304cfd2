import type { RelayIdentity, Stored } from '../batch.ts'

/** What a store holds of a relay, for somebody who only looks at it. */
export interface Seen {
  /** As it was stored; `stream.retentionMs` is null where the store does not keep that. `keeperOf` says who keeps the positions. */
  readonly relay: RelayIdentity
  /** Who claimed the name last; null if nobody did, or if an engine keeps the positions. */
  readonly holder: SeenHolder | null
  readonly stored: Stored
  /** Of a store that is a target, too: what lies there beside the state. Absent elsewhere. */
  readonly target?: SeenTarget
}

export interface SeenHolder {
  readonly host: string
  readonly process: number
  /** When it claimed the name, ISO 8601. */
  readonly since: string
  /**
   * Whether it has the name now, as far as the store can tell. A process that was killed, or whose machine is gone, has its name until
   * the server has noticed, or until its last sign of life is a minute old.
   */
  readonly isAlive: boolean
  /** Its last sign of life, epoch ms; null where the store has a lock instead, and once the name was given up. */
  readonly heardOf: number | null
}

export interface SeenTarget {
  /** Tables that the relay made, or that it has looked at, by source. */
  readonly tables: readonly SeenTable[]
  /** How many dead letters lie there of each table and code. */
  readonly deadLetters: readonly SeenLetters[]
}

export interface SeenTable {
  /** As `tableLabel` prints it. */
  readonly source: string
  readonly schema: string
  readonly name: string
  /** The columns of the source that make the key in the target. */
  readonly key: readonly string[]
  /** Of a log of changes: whether its key keeps a record from being in it twice. Absent for a mirror, and where nobody looked. */
  readonly isKeyedLog?: boolean
}

export interface SeenLetters {
  /** As `tableLabel` prints it; null where the record could not be read. */
  readonly source: string | null
  readonly code: string
  readonly count: number
}
