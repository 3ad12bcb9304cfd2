/**
 * What is written together, what became of it, and what is stored between runs: shared by the modules that deliver, remember and
 * write.
 */
import type { ChangeSource, ColumnType, DeadLetter, StreamChange, TableName, ValueKind } from './change.ts'
import type { Positions, StreamIdentity } from './position.ts'
import type { TableFilter } from './table-pattern.ts'

/** Who a relay is, so that the positions of another pipeline are never taken for its own. */
export interface RelayIdentity {
  readonly name: string
  readonly stream: StreamIdentity
  /** `--start` as given; null if it was not: then a new relay begins at `earliest` and a known one goes on. */
  readonly start: string | null
  /** What would make the target differ if it changed: mode, layout, routing. By option name, so that a message can name it. */
  readonly settings: Readonly<Record<string, string>>
}

/** What a relay that keeps its positions itself needs to claim its name. */
export interface Claim {
  /** Absent means the same. */
  readonly positions?: 'ours'
  readonly relay: RelayIdentity
  /** Asked once, if the name is new: the positions to begin with. Stored together with the identity. */
  firstPositions(): Promise<Positions>
  /** Take the name from a holder that still lives, or from an engine. */
  readonly takeOver: boolean
  /** Which tables this process wants; absent where that is not the relay's to know: then nothing is remembered of it. */
  readonly wanted?: TableFilter
  /** Forget which tables were left out for a while: their rows are in order again, or may miss what they miss. */
  readonly forgetsGaps?: boolean
}

/**
 * A name that nobody claims: an engine (Lambda, KCL) keeps the positions, and runs as many processes of the name as it likes.
 * Each of them opens its sink with this. Batches have no positions then; they come more than once, in any order, from several
 * processes at a time.
 */
export interface Unclaimed {
  readonly positions: 'engine'
  readonly relay: RelayIdentity
  /** Give the engine a name whose positions a relay kept until now. */
  readonly takeOver: boolean
  readonly factRules: FactRules
}

/** How a sink is opened for a stream. */
export type Opening = Claim | Unclaimed

/**
 * A name whose dead letters are written again, while its relay runs or while it does not. Nothing is claimed, no position moves, and no
 * fact is learned: what the relay knows is used. Batches have `letters`, and nothing but changes and what failed beside them.
 */
export interface Replaying {
  /** Its settings must be those of the relay. */
  readonly relay: Pick<RelayIdentity, 'name' | 'settings'>
  readonly factRules: FactRules
  /**
   * True if all of the letters are of parked tables: what such a table gets, the relay does not write, so that a table that was let go may be
   * made with the key that it has at the source by now. Other letters may be from before that.
   */
  readonly mayChangeKeys: boolean
}

/** A dead letter that is written again with a batch: it goes with the batch, or stays with what was wrong this time. */
export interface LetterOfBatch {
  /** Of one letter, or of several that are of one record. */
  readonly ids: readonly string[]
  /** What a change or a new dead letter of it names as its source. */
  readonly place: Pick<ChangeSource, 'shard' | 'sequence' | 'subSequence'>
}

/** What facts mean, for those to whom they are text: given by the feed that learns them. */
export interface FactRules {
  /**
   * What two processes learned of one subject, as one fact: newer parts win by their version. The same whichever is `one` and
   * whichever `other`; equal to `one` if `other` says nothing that is news to it.
   */
  merge(subject: string, one: string, other: string): string
  /** The floors of tables (`SourceTable.floor`) by source table as `tableLabel` prints it. */
  floors(facts: Facts): ReadonlyMap<string, string>
}

/** What a store holds of a relay. */
export interface Stored {
  readonly positions: Positions
  /** Of each subject what was learned last. */
  readonly facts: Facts
  /** Where a claim was made and something is stored. */
  readonly claimed?: ClaimedSettings
}

/** What a claim made of the settings of a name. */
export interface ClaimedSettings {
  /** As they are stored from now on. */
  readonly settings: RelayIdentity['settings']
  /** What of them changed, in words; empty if nothing did. */
  readonly changed: readonly string[]
}

/** What becomes durable of the state in one step: all of it, or nothing. */
export interface Progress {
  /** The position that each of these shards reaches. Empty under an engine, which keeps them. */
  readonly positions: Positions
  /**
   * Shards whose positions are not needed any more: `SHARD_END` was durable before, the source does not list them any
   * more, and no shard below them waits. None of them is among `positions`. One that is forgotten already is no harm.
   */
  readonly forgotten: readonly string[]
  /** What was learned since the batch before. */
  readonly facts: Facts
}

/** What is written together. Skips are counted before and are not here. */
export interface Batch extends Progress {
  /** In order of arrival within each shard. */
  readonly changes: readonly StreamChange[]
  /** By source table as `tableLabel` prints it: what is known of the tables of a DMS feed, this batch included. */
  readonly tables: ReadonlyMap<string, SourceTable>
  /** Of a replay: those that could not be used this time, either. */
  readonly deadLetters: readonly DeadLetter[]
  /** Of a replay: what the batch was made of; absent else. Then nobody keeps new letters: `Written.refused` tells all that was refused. */
  readonly letters?: readonly LetterOfBatch[]
}

/** How the changes of a batch ended. All numbers together are `changes.length`. */
export interface Written {
  readonly kind: 'written'
  /** By source table as `tableLabel` prints it. */
  readonly tables: ReadonlyMap<string, { readonly applied: number; readonly superseded: number }>
  /** Reason → changes that this target leaves out; absent if none. */
  readonly skips?: ReadonlyMap<string, number>
  /** Changes that the target refused and that it, or the file beside it, keeps with the reason; absent if none. */
  readonly deadLettered?: number
  /** The dead letters of those changes, for the log; absent if none, or if the target does not tell. */
  readonly refused?: readonly DeadLetter[]
  /** By source table, values that their columns cannot hold and that are kept in `cdc_extra`; absent if none. */
  readonly setAside?: ReadonlyMap<string, SetAsideColumns>
  /** For an `Unclaimed` name: all its facts, if other processes learned some since they were last given; absent if not. */
  readonly facts?: Facts
  /** How long the last step took, which made it durable: COMMIT, or to store the positions behind the rows. Absent if the target does not tell. */
  readonly commitMs?: number
}

/** Column or attribute of the source → how many of its values lie in `cdc_extra`, and why. */
export type SetAsideColumns = ReadonlyMap<string, SetAsideColumn>

export interface SetAsideColumn {
  readonly count: number
  /** Of the target's column, as its catalogue prints it; null where the table has none for it. */
  readonly type: string | null
  /** In words without values: why the column does not hold them. */
  readonly reason: string
  /** What the operator can do, in words or as a statement. */
  readonly fix: string
}

/** The target held older positions than those last written (restored, failed over): nothing was written, read again from here. */
export interface Rewound extends Stored {
  readonly kind: 'rewound'
}

/** What is known of a table of the source beside its rows: of the options, its `create-table`, the target. Immutable: an update creates a new object. */
export interface SourceTable {
  readonly name: TableName
  /** The columns of its primary key, in key order. Empty: it has none. Null: not known. */
  readonly key: readonly string[] | null
  /** What its columns hold, as far as anyone says so. */
  readonly columns: ReadonlyMap<string, ColumnType>
  /** Whether text among its values may be read as the type of its column. */
  readonly values: ValueKind
  /** A `drop-table` of this version came: what is older is superseded. Null: none came. */
  readonly floor: string | null
}

/** What must outlive a restart beside the positions: subject → JSON text. The feed that learned it knows how to read it. */
export type Facts = ReadonlyMap<string, string>

export interface BatchLimits {
  readonly records: number
  readonly bytes: number
  /** How long a batch that is not full waits for more. */
  readonly waitMs: number
  /** How long one does that holds what a shard gave that had no more (`Page.hasMore`), if that is shorter; absent: as long. */
  readonly caughtUpWaitMs?: number
}
