import type { Column, Row } from '../../support/dms-life/columns.ts'
import { quoted, rowsQuery, tableDifferences } from '../../support/dms-life/compare.ts'
import { versionOf } from '../../support/dms-life/plan.ts'
import { keyText } from '../../support/dms-life/source.ts'
import { hasKey, type SourceTable } from '../../support/dms-life/tables.ts'
import type { ExpectedRow } from '../../support/dms-life/truth.ts'
import { type FoundRow, mirrorDifferences } from '../../support/life/mirror.ts'
import type { Query } from '../../support/targets/sql-target.ts'
import { operatorOptions } from '../dms/operator.ts'
import type { Feed } from './feed.ts'

/** What the program must be told for this truth: the tables' keys and types, as far as the stream does not tell them. */
export const mirrorOptions = ({ dms, delivery }: Feed): string[] => [
  ...['--missing-columns', 'keep', '--on-reload', 'keep'],
  ...operatorOptions(dms, delivery, 'little'),
]

/** Where the mirror is not what it must be, in words; empty if every cell is, and every deleted row. */
export async function mirrorProblems(query: Query, feed: Feed): Promise<string[]> {
  const problems = [
    ...(await ordersProblems(query, feed)),
    ...(await parcelProblems(query, feed)),
    ...(await stagingProblems(query)),
  ]
  const expected = feed.dms.expectedRows('keep')
  const leftovers = feed.dms.leftovers('keep')
  for (const table of feed.dms.tables) {
    const find = await finder(query, table, feed.dms.columns(table))
    if (hasKey(table)) {
      problems.push(
        ...tableDifferences(table, expected.get(table)!, await find('NOT cdc_deleted'), leftovers.get(table)!),
      )
      problems.push(...deletedProblems(feed, table, await find('cdc_deleted')))
    } else problems.push(...bagProblems(table, expected.get(table)!, await find('true')))
  }
  return problems
}

const ORDERS = `SELECT customer, "order"::text AS "order", data::text AS data, cdc_version::text AS version FROM orders`

async function ordersProblems(query: Query, { orders, orderRecords }: Feed): Promise<string[]> {
  const living = (await query(`${ORDERS} WHERE NOT cdc_deleted`)) as unknown as FoundRow[]
  const problems = [...mirrorDifferences(orders.rows(), living)]
  const removed = removedOrders(orderRecords)
  for (const { customer, order, data, version } of await query(`${ORDERS} WHERE cdc_deleted`)) {
    const key = `${customer}|${order}`
    const must = removed.get(key)
    removed.delete(key)
    if (must !== version) problems.push(`${key} is deleted at ${version} and should be ${must ?? 'there'}`)
    if (data !== null) problems.push(`${key} is deleted and has data: ${data}`)
  }
  return [...problems, ...Array.from(removed.keys(), (key) => `${key} is not known as deleted`)]
}

/** Order → version of its removal, where that is the newest that was said of it. */
function removedOrders(records: Feed['orderRecords']): Map<string, string> {
  const newest = new Map<string, { micros: number; isRemoved: boolean }>()
  for (const { data } of records) {
    const { eventName, dynamodb } = JSON.parse(data) as DynamoRecord
    const { Keys: keys, ApproximateCreationDateTime: micros } = dynamodb
    const key = `${keys.customer.S}|${keys.order.N}`
    if (micros >= (newest.get(key)?.micros ?? 0)) newest.set(key, { micros, isRemoved: eventName === 'REMOVE' })
  }
  const removed = [...newest].filter(([, { isRemoved }]) => isRemoved)
  return new Map(removed.map(([key, { micros }]) => [key, String(micros)]))
}

interface DynamoRecord {
  readonly eventName: string
  readonly dynamodb: {
    readonly ApproximateCreationDateTime: number
    readonly Keys: { readonly customer: { readonly S: string }; readonly order: { readonly N: string } }
  }
}

async function parcelProblems(query: Query, { parcels }: Feed): Promise<string[]> {
  const found = await query(`SELECT id, md5(data->>'body') AS body FROM parcels WHERE NOT cdc_deleted`)
  const right = found.filter(({ id, body }) => parcels.get(id!) === body).length
  const isRight = right === parcels.size && found.length === right
  return isRight ? [] : [`${right} of ${parcels.size} parcels are right, of ${found.length} that are there`]
}

/** What was left behind by a load that was cut off has been merged or thrown away by another one. */
async function stagingProblems(query: Query): Promise<string[]> {
  const tables = await query(
    `SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'cdc_relay' AND table_name LIKE 'stage\\_%'`,
  )
  const problems: string[] = []
  for (const { name } of tables) {
    const [row] = await query(`SELECT count(*)::text AS count FROM cdc_relay.${quoted(name!)}`)
    if (row!.count !== '0') problems.push(`${row!.count} rows are left in ${name}`)
  }
  return problems
}

const VERSION: Column = { name: 'cdc_version', type: 'bigint', nullable: true }

/** Reads the rows that a condition holds for, with their versions. A column that nothing was ever said of may not be there. */
async function finder(query: Query, { schema, name }: SourceTable, columns: readonly Column[]) {
  const there = await query(
    `SELECT column_name::text AS name FROM information_schema.columns
     WHERE table_schema = '${schema}' AND table_name = '${name}'`,
  )
  const known = [...columns, VERSION].filter((column) => there.some((one) => one.name === column.name))
  return async (condition: string): Promise<Row[]> => {
    const rows = await query(`${rowsQuery(`${quoted(schema)}.${quoted(name)}`, known)} WHERE ${condition}`)
    return rows.map((row) => new Map(known.map((column) => [column.name, row[column.name] ?? null])))
  }
}

/**
 * A row whose newest word is that it went away is there as its key and that word's version. If the table's floor is above
 * that, the row may be missing. A row whose newest word lies below the floor may be there as deleted by an older one.
 */
function deletedProblems({ dms }: Feed, table: SourceTable, found: readonly Row[]): string[] {
  const problems: string[] = []
  const { gone, floor, below } = goneOf(dms.records, table)
  for (const row of found) {
    const key = keyText(table, row)
    const version = gone.get(key)
    gone.delete(key)
    // What came back below the floor is superseded by it, whatever was there before.
    if (version === undefined && below.has(key)) continue
    if (String(version) !== row.get('cdc_version')) {
      problems.push(`${table.name} ${key} is deleted at ${row.get('cdc_version')} and should be ${version ?? 'there'}`)
    }
    const cells = [...row].filter(([name, cell]) => name !== VERSION.name && !table.key.includes(name) && cell !== null)
    if (cells.length > 0) problems.push(`${table.name} ${key} is deleted and has ${JSON.stringify(cells)}`)
  }
  for (const [key, version] of gone) {
    if (version >= floor) problems.push(`${table.name} ${key} is not known as deleted at ${version}`)
  }
  return problems
}

function goneOf(
  records: Feed['dms']['records'],
  table: SourceTable,
): { gone: Map<string, number>; floor: number; below: ReadonlySet<string> } {
  const newest = new Map<string, { version: number; isGone: boolean }>()
  const say = (key: string | null, version: number, isGone: boolean): void => {
    if (key !== null && version >= (newest.get(key)?.version ?? 0)) newest.set(key, { version, isGone })
  }
  let floor = 0
  for (const { says, micros } of records) {
    if (says?.table !== table) continue
    const version = versionOf(says.op, micros)
    if (says.op === 'drop-table') floor = Math.max(floor, version)
    if (says.newKey !== says.key) say(says.key, version, true)
    say(says.newKey, version, false)
  }
  const gone = [...newest].filter(([, { isGone }]) => isGone)
  const below = [...newest].filter(([, { isGone, version }]) => !isGone && version < floor)
  return {
    gone: new Map(gone.map(([key, { version }]) => [key, version])),
    floor,
    below: new Set(below.map(([key]) => key)),
  }
}

/** Of a table without a key a repeated batch adds its rows once more: each row at least as often as it was sent, and no other. */
function bagProblems(table: SourceTable, expected: readonly ExpectedRow[], found: readonly Row[]): string[] {
  const left = new Map<string, number>()
  for (const row of expected) left.set(shown(row), (left.get(shown(row)) ?? 0) + 1)
  const problems: string[] = []
  for (const row of found) {
    const count = left.get(shown(row))
    if (count === undefined) problems.push(`${table.name} should not have ${shown(row)}`)
    else left.set(shown(row), count - 1)
  }
  for (const [row, count] of left) if (count > 0) problems.push(`${table.name}: ${count} times missing: ${row}`)
  return problems
}

/** By column name, without the version and what is null. */
const shown = (row: ExpectedRow): string =>
  JSON.stringify([...row].filter(([name, cell]) => name !== VERSION.name && cell != null).sort())
