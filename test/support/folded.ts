import { type Change, toJson } from '../../src/change.ts'
import { canonicalJson, row } from './changes.ts'

/** Key → version and row as JSON, of the rows that live. Worked out without anything of src/ that writes. */
export type Rows = Record<string, string>

/** What a mirror must hold after a history in order. */
export function lastOfEachKey(changes: readonly Change[]): Rows {
  const rows = new Map<string, string>()
  for (const change of changes) enter(rows, change)
  return sorted(rows)
}

/** Each change is asked on its own, in the order of arrival, whether it is older than what its key holds. */
export function byArrival(changes: readonly Change[]): Rows {
  const rows = new Map<string, string>()
  const versions = new Map<string, bigint>()
  for (const change of changes) {
    const key = keyOf(change)
    const version = BigInt(change.version)
    if (version < (versions.get(key) ?? 0n)) continue
    versions.set(key, version)
    enter(rows, change)
  }
  return sorted(rows)
}

function enter(rows: Map<string, string>, change: Change): void {
  if (change.after === null) rows.delete(keyOf(change))
  else rows.set(keyOf(change), `${change.version} ${canonicalJson(toJson(change.after))}`)
}

export const keyOf = ({ key }: Change): string => canonicalJson(toJson(row(texts(key!))))

const texts = (key: object): Record<string, string> =>
  Object.fromEntries(Object.entries(key).map(([name, value]) => [name, String(value)]))

/** Rows that were read, in the same form. */
export const foundRows = (
  rows: readonly { readonly key: object; readonly data: string; readonly version: string }[],
): Rows =>
  sorted(
    new Map(
      rows.map(({ key, data, version }) => [canonicalJson(JSON.stringify(key)), `${version} ${canonicalJson(data)}`]),
    ),
  )

const sorted = (rows: ReadonlyMap<string, string>): Rows => Object.fromEntries([...rows].sort())
