import { type Change, type Row, toJson } from '../../../../change.ts'
import type { Plan } from '../../../tables/layout.ts'
import type { Mapping } from '../../../tables/target.ts'

/**
 * The same plan, which refuses a row at once where nothing else of the batch is about its key. If there is more, an older
 * change may be taken where the newest is refused: then the failure is thrown, and the changes are written apart.
 */
export function refusingLone<To>(plan: Plan<To>, keys: readonly Mapping[], changes: readonly Change[]): Plan<To> {
  if (keys.length === 0) return plan
  let counts: ReadonlyMap<string, number> | undefined
  const isLone = (change: Change): boolean => {
    counts ??= countKeys(changes, keys)
    const [first, second] = [...keysOf(change, keys)]
    return second === undefined && counts.get(first!) === 1
  }
  return {
    ...plan,
    write: (to, onRejected) =>
      plan.write(to, (change, error) => {
        if (onRejected === undefined || !isLone(change)) throw error
        onRejected(change, error)
      }),
  }
}

function countKeys(changes: readonly Change[], keys: readonly Mapping[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const change of changes) for (const key of keysOf(change, keys)) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

/** Two of a change that moves its row. */
function keysOf({ key, after }: Change, keys: readonly Mapping[]): ReadonlySet<string> {
  const textOf = (row: Row): string =>
    keys.map(({ attribute }) => toJson(row[attribute] ?? key?.[attribute] ?? null)).join()
  return new Set([key, after].filter((row) => row !== null).map(textOf))
}
