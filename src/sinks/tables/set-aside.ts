import type { SetAsideColumn, SetAsideColumns } from '../../batch.ts'
import type { Change } from '../../change.ts'
import { ANOTHER_TYPE, type Codec, JUST_THE_TYPE } from './codecs/codec.ts'

/** Why values of one column are kept in `cdc_extra`. */
export type WhyAside = Omit<SetAsideColumn, 'count'>

export const whyNotHeld = (type: string, { holds = JUST_THE_TYPE, fix = ANOTHER_TYPE }: Codec): WhyAside => ({
  type,
  reason: `${type} holds ${holds}`,
  fix: `${fix}, if they are wanted there: each then comes to its place with the next change, or load, of its row`,
})

export const whyNoRoom = ({ whyAside: { type } }: { readonly whyAside: WhyAside }): WhyAside => ({
  type,
  reason: 'The row is wider than a page of the target, which holds the values of the first columns',
  fix: 'Read the values where they are, or take columns that are not needed from the source',
})

export const whyLeftOut = (isFull: boolean): WhyAside =>
  isFull
    ? {
        type: null,
        reason: 'The table has as many columns as the relay gives to one',
        fix: 'Take columns that are not needed from the source, or read the values where they are',
      }
    : {
        type: null,
        reason: 'The table has no column for it, and the relay is not to add one',
        fix: 'Add the column, or run with --on-schema-change add-only',
      }

/** Change → the columns whose value of it is kept in `cdc_extra`. */
export class ValuesAside {
  readonly #byChange = new Map<Change, [column: string, why: WhyAside][]>()

  add(change: Change, column: string, why: WhyAside): void {
    const values = this.#byChange.get(change)
    if (values === undefined) this.#byChange.set(change, [[column, why]])
    else values.push([column, why])
  }

  /** @param refused changes that were not written after all */
  counted(refused: Iterable<Change> = []): SetAsideColumns {
    const without = new Set(refused)
    const counts = new Map<string, SetAsideColumn>()
    for (const [change, values] of this.#byChange) {
      if (without.has(change)) continue
      for (const [column, why] of values) addAside(counts, column, { ...why, count: 1 })
    }
    return counts
  }
}

export const NOTHING_ASIDE = new ValuesAside()

/** Adds up; the first reason of a column stands. */
function addAside(counts: Map<string, SetAsideColumn>, column: string, more: SetAsideColumn): void {
  const before = counts.get(column)
  counts.set(column, before === undefined ? more : { ...before, count: before.count + more.count })
}

export function sumAside(...parts: readonly SetAsideColumns[]): SetAsideColumns {
  const sum = new Map<string, SetAsideColumn>()
  for (const part of parts) for (const [column, more] of part) addAside(sum, column, more)
  return sum
}

/** As `Written` has it: without tables of which nothing was set aside; absent if that is all of them. */
export function asideOf(tables: Iterable<readonly [table: string, columns: SetAsideColumns]>): {
  setAside?: ReadonlyMap<string, SetAsideColumns>
} {
  const some = new Map([...tables].filter(([, columns]) => columns.size > 0))
  return some.size === 0 ? {} : { setAside: some }
}
