import type { DeadLetter, TableName } from '../../../src/change.ts'
import type { Sink } from '../../../src/sinks/sink.ts'

/** An empty place where a sink writes: a database, a folder, the memory. */
export interface SinkTarget {
  /** One more sink over this target, as another process would open it, for an engine or not. The suite closes it. */
  sink(mode: 'mirror' | 'append', positions?: 'ours' | 'engine'): Sink
  /** The rows that live in the mirror of a source table, in any order. No sink is open then. */
  rows(table: TableName): Promise<MirrorRow[]>
  /** What append mode wrote of a source table, in order, each as the JSON of the change record. No sink is open then. */
  log(table: TableName): Promise<string[]>
  /** Code and detail, and the bytes or the change, of each dead letter. No sink is open then. */
  deadLetters(): Promise<Pick<DeadLetter, 'code' | 'detail' | 'raw'>[]>
  /** Copies everything; the function puts it back, as a restored backup does, while sinks are open. */
  backup?(): Promise<() => Promise<void>>
  /** Lets go of what reading needed, before a sink is opened again. */
  release?(): Promise<void>
  close(): Promise<void>
}

export interface MirrorRow {
  /** Column → value as the target prints it; bytes as `\x` and hexadecimal digits. */
  readonly key: Readonly<Record<string, string>>
  /** JSON. */
  readonly data: string
  readonly version: string
}

/** What a sink may lack, each of it a case or more of the suite. */
export type Ability =
  /** A name is taken from a holder that lives. */
  | 'takesOver'
  /** It is tried whether a name that is held is refused, which takes long on some. */
  | 'refusesHeldName'
  /** Everything can be put back under an open sink. */
  | 'canBeRestored'
  /** A batch that fails leaves nothing behind. */
  | 'isAtomic'
  /** An attribute that is null is told from one that is absent. Inside of a value it always is. */
  | 'keepsNulls'
  /** The log has an order. */
  | 'keepsOrder'
  /** It says that it holds something newer; else such changes count as applied. */
  | 'tellsSuperseded'
  /** Under an engine the log has a record once, and so has what is kept of dead letters. */
  | 'keepsRecordsOnce'
  /** Of a log it says that it has a record; else that counts as applied once more. */
  | 'tellsRepeats'
  /** Several sinks can have it open at a time. */
  | 'hasSeveralWriters'
  /** It remembers facts that several processes learn. */
  | 'sharesFacts'

export interface SinkTraits {
  /** Ability → why the target lacks it. */
  readonly lacks?: Readonly<Partial<Record<Ability, string>>>
  /** Where the target says which names it gives columns: attribute → column. */
  readonly columnOf?: (attribute: string) => string
  /** How a key of bytes is printed; `\\x` and hexadecimal digits if absent. */
  readonly bytesText?: (bytes: Uint8Array) => string
}
