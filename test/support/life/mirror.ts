import type { MirroredRow } from './life.ts'

/** Everything of a mirrored orders table, as text: nothing is rounded on its way here. */
export const mirrorQuery = (table: 'orders' | 'orders_live'): string =>
  `SELECT customer, "order"::text AS "order", data::text AS data, cdc_version::text AS version FROM ${table}`

export const MIRROR_QUERY = mirrorQuery('orders')

export interface FoundRow {
  readonly customer: string
  readonly order: string
  readonly data: string
  readonly version: string
}

/** Where the mirror is not what it must be, in words; empty if it is, in every row and every digit. */
export function mirrorDifferences(
  expected: ReadonlyMap<string, MirroredRow>,
  found: readonly FoundRow[],
): readonly string[] {
  const differences: string[] = []
  const missing = new Map(expected)
  for (const { customer, order, data, version } of found) {
    const key = `${customer}|${order}`
    const must = missing.get(key)
    missing.delete(key)
    if (must === undefined) differences.push(`${key} should not be there: ${data}`)
    else if (must.data !== data) differences.push(`${key} is ${data} and should be ${must.data}`)
    else if (String(must.version) !== version) {
      differences.push(`${key} has the version ${version} and should have ${must.version}`)
    }
  }
  for (const [key, { data }] of missing) differences.push(`${key} is missing: ${data}`)
  return differences
}
