/**
 * A table, or what else bears its name, as the database's catalogue knows it.
 * @typeParam C what the catalogue knows of a column
 */
export interface Relation<C extends Column = Column> {
  /** `pg_class.relkind`: r table, p partitioned table, v view, m materialized view, f foreign table, …, x external table of Greenplum 6; null where the target does not tell. */
  readonly kind: string | null
  readonly columns: readonly C[]
  /** How many the target counts against its limit, where members of objects are columns, too. */
  readonly columnCount?: number
  /** What may refuse a row because of another row; null where the target does not tell. */
  readonly uniques: readonly Unique[] | null
  readonly foreignKeys: readonly ForeignKey[]
  /** Absent where a row may be as wide as it likes, or where the target does not tell. */
  readonly page?: PageLimits
  /** True for a table of Greenplum's, or a PAX table of Cloudberry's, that is made to be added to, and bears updates badly. */
  readonly isAppendOptimized?: boolean
  /** Columns by whose values rows go to partitions, an empty name for an expression; none where the table is not partitioned. */
  readonly partitionedBy?: readonly string[]
  /** How Greenplum spreads the rows over its segments; undefined where that is not a question, or where the target does not tell. */
  readonly distribution?: Distribution
}

/** By the hash of columns, anywhere, or each row on every segment. */
export type Distribution = readonly string[] | 'randomly' | 'replicated'

export interface PageLimits {
  /** A row may have in a page. */
  readonly rowBytes: number
  /** Columns that the table has or ever had. */
  readonly attributes: number
}

export interface Column {
  readonly name: string
  /** With its modifiers: `character varying(20)`. */
  readonly type: string
  /** Without: `varchar`. */
  readonly baseType: string
  /** Length, or precision and scale, as `pg_attribute.atttypmod` encodes them; -1 for none. */
  readonly modifier: number
  readonly notNull: boolean
  /** A default, an identity, or generated: need not be written. */
  readonly filled: boolean
  /** Always by the table itself, so that a row cannot bring its value; null if it can. */
  readonly generated: 'expression' | 'identity' | null
  readonly collation: { readonly schema: string; readonly name: string; readonly deterministic: boolean } | null
  /** The type itself; of a domain, what is under it. */
  readonly underlying: UnderlyingType
  /** As `pg_attribute` tells it: length in bytes or -1, `attalign`, `attstorage`. Absent where that is no question. */
  readonly storage?: { readonly length: number; readonly align: string; readonly strategy: string }
}

export interface UnderlyingType {
  /** As `Column.baseType`: `varchar`. */
  readonly name: string
  /** As SQL writes it where any value of it fits: `character varying`; but `bpchar`, since `character` is one character. */
  readonly sql: string
  /** As `Column.modifier`. */
  readonly modifier: number
  /** `pg_type.typtype`: b base type, e enum, c composite, r range, m multirange. */
  readonly kind: string
  /** True if a domain on the way to it takes no NULL. */
  readonly isNotNull?: boolean
  /** Of the domains on the way to it, as `pg_get_constraintdef` prints them: `CHECK ((VALUE > 0))`. */
  readonly checks?: readonly string[]
  /** Of an enum, in order. */
  readonly labels?: readonly string[]
  /** Of an array: what it is made of, with the array's modifier; and what stands between two of them. */
  readonly element?: UnderlyingType
  readonly delimiter?: string
  /** Of a range or multirange: what its bounds are. */
  readonly subtype?: UnderlyingType
  /** Of a composite type. */
  readonly attributes?: readonly UnderlyingType[]
  /** Of `money`, whose form is the server's: how it prints 1000, and with how many digits behind the point. */
  readonly money?: { readonly thousand: string; readonly digits: number }
}

export interface Unique {
  readonly name: string
  /** Null for a bare index. */
  readonly constraint: string | null
  readonly primary: boolean
  /** Empty where it is over an expression. */
  readonly columns: readonly string[]
  /** Where it is over an expression, of all rows, valid, and checked at once: its parts as SQL prints them; else null or absent. */
  readonly parts?: readonly string[] | null
  /** Not partial, not over an expression, valid, and checked at once: ON CONFLICT can use it. */
  readonly plain: boolean
  /** Checked at the end of a transaction: ON CONFLICT fails on it. */
  readonly deferrable: boolean
}

export interface ForeignKey {
  readonly name: string
  /** The table that refers, quoted as SQL needs it. */
  readonly from: string
  readonly to: string
}
