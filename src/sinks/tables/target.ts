import type { SourceTable } from '../../batch.ts'
import type { ColumnType, ValueKind } from '../../change.ts'
import type { Column } from './relation.ts'

/** Where the changes of one source table go. */
export interface Target {
  /** The source table, as `tableLabel` prints it. */
  readonly source: string
  readonly schema: string
  readonly name: string
}

/** A column or attribute of the source, and the column of the target that is meant for it. */
export interface Mapping {
  readonly attribute: string
  readonly column: string
}

/** What a key value is in the source; DynamoDB's S, N and B. */
export type KeyFamily = 'text' | 'number' | 'bytes'

export interface DesiredKey extends Mapping {
  /** Null where the column's type alone decides which values fit. */
  readonly family: KeyFamily | null
}

export interface DesiredColumn extends Mapping {
  /** Its type in the source; null while that is unknown. */
  readonly holds: ColumnType | null
  /** Whether text among its values may be read as its type. */
  readonly given: ValueKind
  /** The SQL type to create it with; null while that is unknown. */
  readonly type: string | null
}

/** The columns that a table needs. */
export interface DesiredTable {
  /** Empty for a table whose rows have no key. */
  readonly keys: readonly DesiredKey[]
  /** All columns that hold values of the source, those of the key included; empty where rows lie in one column. */
  readonly columns: readonly DesiredColumn[]
}

/** A key column as the target has it. */
export interface KeyColumn extends DesiredKey {
  /** The SQL type that its values have in a parameter: without length or scale, so that none is cut or rounded in silence. */
  readonly travelsAs: string
  /** As the catalogue prints it: `character varying(20)`. */
  readonly declared: string
  readonly collation: Column['collation']
}

/** A target that exists and fits, without the way its rows are written. */
export interface BoundTable extends Target {
  readonly keys: readonly KeyColumn[]
  /** What was known of the source table when the target was looked at; null where the source defines no tables. */
  readonly known: SourceTable | null
  /** True if deleted rows are remembered in a table of tombstones. */
  readonly hasTombstones: boolean
}
