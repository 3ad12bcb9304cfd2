import type { ObjectMembers, ObjectPolicy } from '../documents/sub-columns.ts'
import type { CreateTable } from './create-table.ts'

/** A column of an existing table, as CrateDB's catalogue knows it. */
export interface CrateColumn extends Declaration {
  /** `information_schema.columns.data_type`: `bigint`, `text`, `object`, `text_array`. */
  readonly dataType: string
  /** `character_maximum_length`; null for none. */
  readonly maxLength: number | null
  /** Of an OBJECT: its known members. */
  readonly object?: ObjectMembers
}

/** What `information_schema.columns` does not tell in every version (the scale in none), but `SHOW CREATE TABLE` does. */
export interface Declaration {
  /** Of NUMERIC; null for others, and where not known. */
  readonly precision: number | null
  readonly scale: number | null
  /** Of OBJECT; null for others, and where not known. */
  readonly policy: ObjectPolicy | null
  /** False for a text with neither index nor column store, which may be longer than 32,766 bytes. */
  readonly isIndexed: boolean
}

/** Of a column that `SHOW CREATE TABLE` does not print. */
export const NOT_DECLARED: Declaration = { precision: null, scale: null, policy: null, isIndexed: true }

/** By name the columns of a table. */
export const declarations = ({ columns }: CreateTable): ReadonlyMap<string, Declaration> =>
  new Map([...columns].map(([name, text]) => [name, declaration(text)]))

/** @param text the type of a column, as SQL */
export function declaration(text: string): Declaration {
  const [, precision, scale] = /^NUMERIC\((\d+)(?:, ?(\d+))?\)/i.exec(text) ?? []
  const [, policy] = /^OBJECT\((DYNAMIC|STRICT|IGNORED)\)/i.exec(text) ?? []
  return {
    precision: precision === undefined ? null : Number(precision),
    scale: precision === undefined ? null : Number(scale ?? 0),
    policy: policy === undefined ? null : (policy.toLowerCase() as ObjectPolicy),
    isIndexed: !(/\bINDEX OFF\b/i.test(text) && /\bcolumnstore"?\s*=\s*'?false/i.test(text)),
  }
}
