import type { Catalogue, Table } from './catalogue.ts'
import type { OutputColumn } from './relations.ts'
import type { Value } from './values.ts'

/** What may be changed while the fake runs. */
export interface CrateSettings {
  /** Told to clients, and decides what columns may be called and which types there are. */
  crateVersion: string
  /** `manual`: searches see what was there at the last refresh. */
  refresh: 'manual' | 'always'
  /** A bind with more fails. */
  maxParameters: number
  /** Characters; `statement_max_length` of the nodes. */
  maxStatementLength: number
  /** Sub-columns of objects included. */
  columnLimit: number
  /** What INSERT … SELECT does with a row that the coordinator cannot cast: CrateDB's documentation leaves it open. */
  badSelectedRow: 'skip' | 'error'
  /**
   * Whether a shard refuses a row for a reason that the fake does not know of itself (a generated column, a CHECK, a mistake of
   * CrateDB): what it says then. Null: it takes it.
   */
  refusal: ((table: string, row: ReadonlyMap<string, Value>) => string | null) | null
}

/** What a statement runs in. */
export interface Context {
  readonly catalogue: Catalogue
  readonly settings: CrateSettings
  /** Default schema of the session: what its URL names as database. */
  readonly schema: string
  readonly user: string
  /** As SET left them. */
  readonly variables: Map<string, string>
  /** Rows that a shard request which fails for no reason of theirs takes with it. */
  readonly lostRow: (table: Table, id: string) => boolean
}

export interface Result {
  /** As the client reads it: `INSERT 0 3`. */
  readonly tag: string
  /** Null: the statement gives no rows. */
  readonly columns: readonly OutputColumn[] | null
  readonly rows: readonly (readonly Value[])[]
}

export function scopeSession(context: Context): { schema: string; user: string; crateVersion: string } {
  return { schema: context.schema, user: context.user, crateVersion: context.settings.crateVersion }
}
