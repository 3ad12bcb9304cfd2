import type { Change } from '../../change.ts'
import type { ColumnsTable } from './columns-table.ts'
import type { Refuses } from './refused-values.ts'
import type { WhyAside } from './set-aside.ts'
import type { Mapping } from './target.ts'

const TOO_LARGE: Omit<WhyAside, 'type'> = {
  reason: 'The row is larger than a page of the target, or an index over the column, can hold',
  fix: 'Read the value where it is; or drop an index that is over the column, if there is one',
}

/** The columns of which the change has values that may lie in `cdc_extra`, those with the longest first. */
export function longestFirst({ values, hasExtra }: ColumnsTable, { after }: Change): readonly string[] {
  if (!hasExtra) return []
  const lengths = values.flatMap(({ column, attribute, encode, isNotNull }) => {
    const value = after?.[attribute] ?? null
    const token = value === null || isNotNull ? undefined : encode(value)
    return token === undefined ? [] : [{ column, length: token.length }]
  })
  return lengths.toSorted((a, b) => b.length - a.length).map(({ column }) => column)
}

/** One of them, then eight, 64, … and at last all: each step costs a statement. */
export function* longestSets(columns: readonly string[]): Iterable<Refuses> {
  for (let count = 1; count < columns.length; count *= 8) yield tooLarge(new Set(columns.slice(0, count)))
  if (columns.length > 0) yield tooLarge(new Set(columns))
}

const tooLarge = (columns: ReadonlySet<string>): Refuses =>
  Object.assign(({ column }: Mapping) => columns.has(column), {
    why: ({ column }: Mapping) => (columns.has(column) ? TOO_LARGE : null),
  })
