import type { Row } from './columns.ts'
import type { ControlOp, Envelope } from './envelope.ts'
import type { SourceTable } from './tables.ts'

/** A record that DMS writes. Those of one partition key keep their order; nothing else does. */
export interface PlannedRecord extends Envelope {
  readonly kind: 'load' | 'change' | 'control'
  /** `metadata.timestamp`, epoch microseconds. */
  readonly micros: number
  /** What it says, without a look at its bytes; null for a table of DMS itself. */
  readonly says: Statement | null
}

export interface Statement {
  readonly table: SourceTable
  readonly op: 'load' | 'insert' | 'update' | 'delete' | ControlOp
  /** The row it touches; of a move the old key. Null for control records, and in a table without a key. */
  readonly key: string | null
  /** Where the row is from then on; null for a delete and where there is no key. */
  readonly newKey: string | null
  /** The values as they are sent; null for deletes and control records. */
  readonly image: Row | null
}

/** A change beats a load row that says to be up to this much newer: the load may have read the row before. */
const LOAD_HANDICAP_MICROS = 30_000_000

/** What is compared to tell which of two records of a row stands: see "Which change wins" in docs/guarantees.md. */
export const versionOf = (op: Statement['op'], micros: number): number =>
  op === 'load' || op === 'drop-table' ? micros - LOAD_HANDICAP_MICROS : micros
