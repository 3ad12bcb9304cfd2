/** Statements as the fake understands them: what the readers make of a syntax tree, and the plans of this folder run. */
import type { DataType } from './types.ts'
import type { Value } from './values.ts'

export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>='

export type Expression =
  | { readonly kind: 'literal'; readonly value: Value; readonly type: DataType }
  /** `index` counts from 0. */
  | { readonly kind: 'parameter'; readonly index: number }
  /** `table.column['member']…`: the parts between the dots, then what stands in brackets. */
  | { readonly kind: 'column'; readonly parts: readonly string[]; readonly path: readonly string[] }
  | { readonly kind: 'subscript'; readonly operand: Expression; readonly index: Expression }
  | { readonly kind: 'call'; readonly name: string; readonly operands: readonly Expression[]; readonly star: boolean }
  | { readonly kind: 'cast'; readonly operand: Expression; readonly type: DataType; readonly lenient: boolean }
  | { readonly kind: 'compare'; readonly op: Comparison; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'quantified'
      readonly op: Comparison
      readonly every: boolean
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'in'; readonly operand: Expression; readonly list: readonly Expression[] }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'is-null'; readonly operand: Expression }
  | { readonly kind: 'distinct'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'like'; readonly operand: Expression; readonly pattern: Expression }
  | {
      readonly kind: 'case'
      readonly branches: readonly (readonly [when: Expression, then: Expression])[]
      readonly otherwise: Expression | null
    }
  | {
      readonly kind: 'arithmetic'
      readonly op: '+' | '-' | '*' | '/' | '%'
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'negate'; readonly operand: Expression }
  | { readonly kind: 'concat'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'array'; readonly items: readonly Expression[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [name: string, value: Expression])[] }

export interface QualifiedName {
  readonly schema: string | null
  readonly name: string
}

export interface SelectItem {
  readonly expression: Expression
  readonly alias: string | null
}

export type Source =
  | { readonly kind: 'relation'; readonly name: QualifiedName; readonly alias: string | null }
  | {
      readonly kind: 'unnest'
      readonly operands: readonly Expression[]
      readonly alias: string | null
      readonly columns: readonly string[]
    }
  | { readonly kind: 'query'; readonly query: Query; readonly alias: string | null }

export interface Query {
  /** `'*'` is all columns. */
  readonly items: readonly (SelectItem | '*')[]
  readonly distinct: boolean
  readonly from: Source | null
  readonly where: Expression | null
  readonly groupBy: readonly Expression[]
  readonly orderBy: readonly {
    readonly expression: Expression
    readonly descending: boolean
    readonly nullsFirst: boolean
  }[]
  readonly limit: Expression | null
  readonly offset: Expression | null
}

/** A column, or a member of an object column. */
export interface Assignment {
  readonly target: { readonly parts: readonly string[]; readonly path: readonly string[] }
  readonly value: Expression
}

export interface OnConflict {
  /** Paths, as `pk['id']` is `['pk', 'id']`; empty if none is named. */
  readonly target: readonly (readonly string[])[]
  /** Null is DO NOTHING. */
  readonly assignments: readonly Assignment[] | null
}

export interface Insert {
  readonly kind: 'insert'
  readonly table: QualifiedName
  readonly columns: readonly string[]
  readonly source:
    | { readonly kind: 'values'; readonly rows: readonly (readonly Expression[])[] }
    | { readonly kind: 'query'; readonly query: Query }
  readonly onConflict: OnConflict | null
  readonly returning: readonly (SelectItem | '*')[] | null
}

export interface Update {
  readonly kind: 'update'
  readonly table: QualifiedName
  readonly alias: string | null
  readonly assignments: readonly Assignment[]
  readonly where: Expression | null
  readonly returning: readonly (SelectItem | '*')[] | null
}

export interface Delete {
  readonly kind: 'delete'
  readonly table: QualifiedName
  readonly alias: string | null
  readonly where: Expression | null
}

export type Write = Insert | Update | Delete

export interface ColumnDefinition {
  readonly path: readonly string[]
  readonly type: DataType
  readonly notNull: boolean
  readonly primaryKey: boolean
  /** False with INDEX OFF and no column store: then texts of any length fit. */
  readonly indexed: boolean
}

export type Definition =
  | {
      readonly kind: 'create-table'
      readonly name: QualifiedName
      readonly ifNotExists: boolean
      readonly columns: readonly ColumnDefinition[]
      readonly primaryKey: readonly (readonly string[])[]
      readonly shards: number | null
      readonly settings: ReadonlyMap<string, Value>
    }
  | {
      readonly kind: 'create-view'
      readonly name: QualifiedName
      readonly replace: boolean
      readonly query: Query
      readonly text: string
    }
  | { readonly kind: 'create-schema'; readonly name: string; readonly ifNotExists: boolean }
  | { readonly kind: 'drop-table' | 'drop-view'; readonly name: QualifiedName; readonly ifExists: boolean }
  | { readonly kind: 'add-columns'; readonly name: QualifiedName; readonly columns: readonly ColumnDefinition[] }
  | { readonly kind: 'alter-settings'; readonly name: QualifiedName; readonly settings: ReadonlyMap<string, Value> }

export type Statement =
  | { readonly kind: 'select'; readonly query: Query }
  | { readonly kind: 'explain'; readonly query: Query }
  | Write
  | Definition
  | { readonly kind: 'refresh'; readonly tables: readonly QualifiedName[] }
  | { readonly kind: 'set'; readonly name: string; readonly value: string | null }
  | { readonly kind: 'show'; readonly name: string }
  | { readonly kind: 'show-create-table'; readonly name: QualifiedName }
  | { readonly kind: 'begin' | 'commit' | 'nothing' }
  /** Parses, and then fails whatever it says. */
  | { readonly kind: 'refused'; readonly text: string }
