import type { DeadLetter } from '../../change.ts'
import type { Log } from '../../observe/log.ts'
import type { Seen } from '../../state/seen.ts'
import type { Catalogue } from '../tables/catalogue.ts'
import type { Database, Statement } from '../tables/database.ts'
import type { Layout, TargetTable } from '../tables/layout.ts'
import type { UnsureColumn } from '../tables/refused-values.ts'
import type { Relation } from '../tables/relation.ts'
import type { DeclaredTypes } from '../tables/rules.ts'
import type { TargetNames } from '../tables/style.ts'
import type { Target } from '../tables/target.ts'
import type { Connection } from './connection.ts'
import type { ErrorMeanings } from './failures.ts'
import type { LetterTable } from './letter-table.ts'
import type { BesideState } from './replay-state.ts'
import type { SharedState } from './shared-state.ts'
import type { SqlState } from './state.ts'

/**
 * Everything that differs between databases. The sink, the planning and the layouts ask it, and know no database.
 * The server says after connecting which one it is.
 *
 * @typeParam R what its catalogue knows of a table: its layouts are given nothing else
 */
export interface Dialect<R extends Relation = Relation> {
  /** As its users call it: `PostgreSQL`, `Greenplum 6`. */
  readonly title: string
  /** What becomes of deleted rows by default, and all that it can do. */
  readonly deletes: readonly ['hard', 'soft'] | readonly ['soft']
  /** Where tables go that name no schema. */
  readonly defaultSchema: string
  /** True if its texts hold U+0000; absent if it refuses them. */
  readonly keepsNul?: true
  /** True if it writes a document as the JSON that it is; absent if it looks at the values. */
  readonly takesJson?: true

  /** What each new session begins with; absent if nothing. */
  readonly session?: Statement
  /**
   * Warns of a version of the server in which something is broken that the relay rests on.
   * @param version what `version()` says
   * @throws RelayError CONFIGURATION if it would damage rows
   */
  requireVersion?(version: string, log: Log | null): void

  /** What the target remembers of a relay, for somebody who only looks; null if nothing. */
  lookAt(connection: Connection, name: string): Promise<Seen | null>
  /** What the relay's own tables in the target lack: nothing is made. @throws RelayError STATE_NEWER, SINK_DENIED */
  pendingSchema(connection: Connection): Promise<readonly Statement[]>
  /** Makes a session refuse to write; absent where none can. */
  readonly readOnly?: Statement
  /** What a relay remembers in the target. */
  state(connection: Connection, log: Log | null): SqlState
  /** The same where an engine keeps the positions, and nobody holds the relay's name. */
  sharedState(connection: Connection): SharedState
  /** The same for letters that are written again, beside whoever has the name. */
  besideState(connection: Connection): BesideState
  /** The dead letters that it keeps. */
  letters(connection: Connection): LetterTable
  catalogue(connection: Connection): Catalogue<R>

  readonly names: TargetNames
  /**
   * The layouts of mirrored tables.
   * @param declaredTypes what the operator says that columns hold
   */
  mirrors(
    connection: Pick<Connection, 'parameters'>,
    deletes: 'hard' | 'soft',
    declaredTypes: DeclaredTypes,
  ): Mirrors<R>
  /** The log of changes. @param isShared true where no process has it for itself: then each record is in it once by a key */
  append(isShared: boolean): Layout<Database, R>

  readonly writing: Writing
  /** Takes away what remains of deleted rows for longer than `ageMs`, a part at a time. Resolves to true if there is more. */
  prune(db: Database, relay: string, table: TargetTable, ageMs: number): Promise<boolean>
  /** Keeps dead letters beside the rows. @param isShared true (else false) where the same ones come again, from several processes: each is kept once */
  keepDeadLetters(to: Database, relay: string, letters: readonly DeadLetter[], isShared?: boolean): Promise<void>

  readonly failures: ErrorMeanings
}

export interface Mirrors<R extends Relation = Relation> {
  readonly columns: Layout<Database, R>
  readonly document: Layout<Database, R>
}

/** How a batch gets into a database. */
export interface Writing {
  /** One transaction where there are such; else the work alone, whose steps are then in an order that a crash does no harm to. */
  batch<T>(db: Database, work: (to: Database) => Promise<T>): Promise<T>
  /** First of a batch: waits for other writers of the tables, so that what they deleted is seen. */
  takeTurns(to: Database, tables: readonly Target[]): Promise<void>
  /** A part of a batch that leaves nothing behind if it fails, or nothing that hurts when it is written again. */
  part<T>(to: Database, depth: number, work: () => Promise<T>): Promise<T>
  /** True if nothing is left of a part that failed. */
  readonly undoesParts: boolean
  /** Checks now what is otherwise checked when the batch is whole; absent where there is no such thing. */
  checkConstraints?(to: Database): Promise<void>
  /** Which of some texts the column does not take, by their places; absent where the database cannot be asked. */
  refusedTexts?(to: Database, column: UnsureColumn, texts: readonly string[]): Promise<readonly number[]>
  /** Removes the rows from before a reload; resolves to how many. */
  sweep(to: Database, table: TargetTable, floor: string): Promise<number>
}
