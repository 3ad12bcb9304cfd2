import type { Change, Value } from '../../change.ts'
import type { Codec } from './codecs/codec.ts'
import type { ColumnsTable, TargetColumn } from './columns-table.ts'
import type { WhyAside } from './set-aside.ts'
import type { Mapping } from './target.ts'

/** True for a value, as its token, that its column is known not to take. */
export interface Refuses {
  (column: Mapping, token: string): boolean
  /** Why, where that is not its type; absent or null where it is. */
  readonly why?: ((column: Mapping) => Omit<WhyAside, 'type'> | null) | undefined
}

/** A column of a type whose values only the server can check. */
export interface UnsureColumn extends Mapping, Pick<Codec, 'travelsAs' | 'castTo' | 'encode'> {
  /** As the catalogue prints it, with schema and modifiers: what a value must become. */
  readonly declared: string
  readonly isKey: boolean
}

export function unsureColumns({ keys, values }: ColumnsTable): readonly UnsureColumn[] {
  const unsure = (columns: readonly TargetColumn[], isKey: boolean): UnsureColumn[] =>
    columns
      .filter(({ mayBeRefused }) => mayBeRefused)
      .map((column) => ({ ...column, declared: column.whyAside.type!, isKey }))
  return [...unsure(keys, true), ...unsure(values, false)]
}

/** The table, with columns that do not take what is known to be refused: such values go the way of all that do not fit. */
export function refusing(table: ColumnsTable, refuses: Refuses | undefined): ColumnsTable {
  if (refuses === undefined) return table
  const stricter = <Column extends TargetColumn>(column: Column): Column => ({
    ...column,
    whyAside: { ...column.whyAside, ...refuses.why?.(column) },
    takesAsIs: undefined,
    encode(value: Exclude<Value, null>) {
      const token = column.encode(value)
      return token === undefined || refuses(column, token) ? undefined : token
    },
  })
  return { ...table, keys: table.keys.map(stricter), values: table.values.map(stricter) }
}

/** Each value that is to go into the column, once, as its token. */
export function tokensOf({ attribute, encode }: UnsureColumn, changes: readonly Change[]): readonly string[] {
  const tokens = new Set<string>()
  for (const { key, after } of changes) {
    for (const value of [key?.[attribute], after?.[attribute]]) {
      const token = value == null ? undefined : encode(value)
      if (token !== undefined) tokens.add(token)
    }
  }
  return [...tokens]
}

/** So many columns are suspected one by one, before all are. */
const MOST_ALONE = 8

/** Which values of a change may be why it is refused, of columns of which only the server knows what they take. */
export function* unsureSets(unsure: readonly UnsureColumn[], change: Change): Iterable<Refuses> {
  const columns = unsure.filter((column) => !column.isKey && tokensOf(column, [change]).length > 0)
  const names = new Set(columns.map(({ column }) => column))
  if (names.size > 1 && names.size <= MOST_ALONE) {
    for (const name of names) yield ({ column }) => column === name
  }
  if (names.size > 0) yield ({ column }) => names.has(column)
}
