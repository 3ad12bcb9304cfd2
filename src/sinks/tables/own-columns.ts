import { sql } from 'kysely'
import type { Statement } from './database.ts'

/** A column that the relay writes: the definition of a new one, and the types that an existing one may have. */
export interface OwnColumn {
  readonly name: string
  readonly definition: Statement
  readonly types: readonly string[]
  /** False where the relay writes NULL. */
  readonly mayBeNotNull: boolean
}

/** The whole row, in the layout `document`. */
export const DATA: OwnColumn = { name: 'data', definition: sql`jsonb`, types: ['jsonb', 'json'], mayBeNotNull: true }
export const VERSION: OwnColumn = { name: 'cdc_version', definition: sql`bigint`, types: ['int8'], mayBeNotNull: true }
/** Marks a deleted row that stays as its own tombstone. */
export const DELETED: OwnColumn = {
  name: 'cdc_deleted',
  definition: sql`boolean`,
  types: ['bool'],
  mayBeNotNull: true,
}
/** By column name the values that their columns cannot hold, in the layout `columns`. */
export const EXTRA: OwnColumn = { name: 'cdc_extra', definition: sql`jsonb`, types: ['jsonb'], mayBeNotNull: false }
