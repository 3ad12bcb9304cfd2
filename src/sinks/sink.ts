import type {
  Batch,
  BatchLimits,
  Facts,
  Opening,
  RelayIdentity,
  Replaying,
  Rewound,
  Stored,
  Written,
} from '../batch.ts'
import type { Format, TableName } from '../change.ts'
import type { Seen, SeenLetters } from '../state/seen.ts'
import type { LetterStore } from './letter-store.ts'

/**
 * Writes the prepared batch and moves the positions so that both are durable when it resolves, the positions never
 * before the changes. May be called again after it threw: it then does everything again, once. The signal, which may
 * have aborted already, ends waits for others; a batch in hand is written all the same.
 *
 * @throws RelayError SINK_…, STATE_HELD when another process has claimed the relay's name
 */
export type Write = (signal: AbortSignal) => Promise<Written | Rewound>

/** What a sink that is opened for letters knows of them. */
export interface ForLetters {
  /** Of the relay. */
  readonly facts: Facts
  /** Of the relay, as they are stored. */
  readonly settings: RelayIdentity['settings']
  /** Where the sink keeps them itself: then letters go in the transaction that writes their rows. Null: they are to be let go behind it. */
  readonly letters: LetterStore | null
}

/** Where changes go. */
export interface Sink {
  /** True if text with U+0000 is refused. Known once the sink is open. */
  readonly refusesNul: boolean
  /** True if text with half a surrogate pair is refused, or cannot be sent. */
  readonly refusesHalves: boolean
  /** True if `prepare` looks at `before`, whose decoding may fail: it is then decoded where such a failure becomes a dead letter. */
  readonly readsBefore: boolean
  /**
   * True if rows of this feed are mostly written from the JSON of `after` (`Change.afterJson`, or the tokens of `Change.unread`);
   * absent: their values are needed.
   * Known once the sink is open. What it says of such changes holds until the write is done.
   */
  takesJson?(format: Format): boolean
  /** True if a row needs its key to be written: a change whose key is not known then waits. */
  readonly needsKeys: boolean
  /** The batches that this target wants, where they are not of the usual size. The relay's options count more. */
  readonly limits?: Partial<BatchLimits>

  /**
   * Connects and checks what can be checked.
   *
   * With a `Claim` it claims the relay's name, and resolves to where its shards stand and what it had learned: from then on
   * nobody else of that name writes. With an `Unclaimed` name it claims nothing, holds no lock and runs no timer between two
   * calls, and resolves to the facts alone. Any number of sinks may be open for such a name, in any number of processes, and
   * write the same records at once, again, in parts, and older ones after newer ones: a mirror ends as the one rule says, and
   * a log has each record once, if the target can keep a key (docs/guarantees.md says where not). A name is one or the other.
   *
   * @throws RelayError STATE_DIFFERS, STATE_HELD, SINK_LOGIN, SINK_UNREACHABLE …; CONFIGURATION for a name that is pulled and
   * opened under an engine, or the other way round, without `takeOver`
   */
  open(opening: Opening, signal: AbortSignal): Promise<Stored>

  /**
   * Opens it instead for dead letters that are written again. Whoever has the name goes on, and
   * what that process learns meanwhile counts here, too. Absent where dead letters cannot be written again.
   *
   * @throws RelayError CONFIGURATION for a name that is not known, STATE_DIFFERS for other settings than the relay's; as `open`
   */
  openForLetters?(replaying: Replaying, signal: AbortSignal): Promise<ForLetters>

  /**
   * Reads the facts of a name that this process does not hold again: another process may have learned what this one waits for, such as the
   * key of a table. Absent where no other process can.
   */
  readFacts?(): Promise<Facts>

  /**
   * How many dead letters lie where this sink keeps them, by table and code. Only asked after `open`; absent where it cannot tell: then no
   * table is parked.
   */
  countLetters?(): Promise<readonly SeenLetters[]>

  /**
   * What is stored of the relay, as somebody sees it who only looks (`StateStore.look`). Only asked after `open`, also while a batch is
   * being written. Absent, or null, where nothing is remembered.
   */
  look?(): Promise<Seen | null>

  /** Another process may have made tables: what is known of them is read again. No write goes on; absent where nothing is kept of them. */
  relearnTables?(): Promise<void>

  /**
   * The columns of the source that make the key of its table, as the target's own table says; null if that has no
   * primary key or is not there. Only asked where `needsKeys`, after `open`.
   */
  keyColumns(table: TableName): Promise<readonly string[] | null>

  /**
   * Thinks ahead while the batch before is still being written: folds and encodes, and never waits.
   * Under an engine the facts of the batch are merged into those of the name, with its rows.
   * Writes are called one at a time, in the order in which they were prepared.
   */
  prepare(batch: Batch): Write

  /** Waits for a write in progress, then lets go of connections and of the claim. Twice is fine. */
  close(): Promise<void>
}

/** What tells how records are to be read for it. */
export type SinkTraits = Pick<
  Sink,
  'refusesNul' | 'refusesHalves' | 'readsBefore' | 'takesJson' | 'needsKeys' | 'limits' | 'keyColumns' | 'readFacts'
>
