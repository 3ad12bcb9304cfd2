import type { Env } from '../../env.ts'
import type { TargetRules } from '../tables/rules.ts'

export interface SqlSinkOptions extends Partial<TargetRules> {
  /** `postgresql://…`, `greenplum://…`, where `?schema=` names the schema of tables that name none, `crate://…`, or `pglite:DIR`. */
  readonly url: string
  /** A file with the password; absent: of the URL, `PGPASSWORD` or libpq's own file. */
  readonly passwordFile?: string | undefined
  /** For `PGUSER` in advice, and `PGPASSWORD` of `crate://…`; node-postgres reads the variables of libpq itself. */
  readonly env?: Env | undefined
  /** Null: as the database can, which is the default. */
  readonly deletes?: 'hard' | 'soft' | null
  /** Tombstones stay for the stream's retention and a day, or for this if it is longer. */
  readonly tombstoneTtlMs?: number | undefined
  /** How long the stream keeps a record; null, by default, where that is not a question. */
  readonly retentionMs?: number | null
}

export type Settings = TargetRules & SqlSinkOptions
