import type { Change } from '../../../../change.ts'
import type { Statement } from '../../../tables/database.ts'
import type { Key } from '../../../tables/mirror.ts'
import type { Target } from '../../../tables/target.ts'

/** A table of CrateDB as statements see it, whatever its layout. */
export interface WrittenTable {
  readonly target: Target
  /** What a row is found by; empty where the table has no key: then it can only be added to. */
  readonly keys: readonly WrittenKey[]
  /** The columns that hold the key: one for each part, or one object for all. */
  readonly keyColumns: readonly KeyHolder[]
  /** The columns beside them, version and mark. */
  readonly columns: readonly WrittenColumn[]
  readonly own: OwnOfRow
}

/** Columns for what every row has, and what becomes of a row whose key is there: the newer one stands, or the first. */
export interface OwnOfRow {
  readonly version: string | null
  readonly mark: string | null
  readonly stands: 'newer' | 'first'
}

export const MIRRORED: OwnOfRow = { version: 'cdc_version', mark: 'cdc_deleted', stands: 'newer' }

/** How the values of a column travel. */
export interface Travelling {
  /** Of the parameter: `array(text)`; `ONLY_NULL` where there is none, since the column can hold nothing but NULL. */
  readonly travelsAs: string
  /** Cast in the SELECT, or null. */
  readonly castTo: string | null
}

export interface WrittenColumn extends Travelling {
  readonly name: string
  /** Members of many attributes lie in it: of a partial image, each for itself. Empty it is `{}` or NULL. */
  readonly merged: '{}' | 'null' | null
  readonly read: ReadBack
}

export interface KeyHolder extends Travelling {
  readonly name: string
  elementOf(key: Key): string
}

export interface WrittenKey {
  /** `"id"`, or `"pk"['id']`. */
  readonly id: Statement
  readonly read: ReadBack
}

/** How a stored value comes back. */
export interface ReadBack {
  /** What a SELECT asks for. @param id the column */
  asked(id: Statement): Statement
  /** What node-postgres makes of the answer → the element that was written; the same text for the same value. */
  element(answer: unknown): string
}

/** A row, as elements of array parameters. */
export interface CrateRow {
  readonly key: Key
  readonly version: string
  readonly isDeleted: boolean
  /** In the order of the table's columns. Null is NULL; undefined, where a partial image does not tell. */
  readonly elements: readonly (string | null | undefined)[]
  /** Of a partial image. */
  readonly patch: Patch | null
  /** The change that the row is of: it becomes a dead letter where the row is refused. Absent of a row put together from others. */
  readonly change?: Change
  readonly lean?: Lean
}

/** Where CrateDB refuses a row for what may be in its objects: the row with these set aside. */
export interface Lean {
  row(): CrateRow
  /** Called once it was applied. */
  onWritten(): void
}

export interface Patch {
  /** Where the row is until now, if the image moves it. */
  readonly from: Key | null
  /** The attributes that it sets, under the names that they have as members. */
  readonly sets: readonly string[]
}
