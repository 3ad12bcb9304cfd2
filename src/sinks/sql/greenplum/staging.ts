import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { columnList, jsonArray } from '../clauses.ts'
import type { Database } from '../connection.ts'
import type { BoundTable } from '../layout.ts'
import type { Key, RowShape } from '../mirror.ts'
import { distributedBy, type Kernel } from './kernel.ts'
import type { Step } from './merge.ts'

/**
 * From so many rows on they go by COPY into a temporary table, which hands each to its segment without a plan; fewer go as
 * one JSON parameter, whose rows the coordinator takes apart and redistributes.
 */
export const COPY_FROM_ROWS = 2_000

/** A row as a JSON object, and its key, by which it finds its segment. */
export interface KeyedRow {
  readonly key: Key
  readonly json: string
}

/** Rows that stand ready: they become what statements read from. */
export type Staging = (to: Database) => Promise<Omit<Step, 'kind'>>

export function keyedShape(shape: RowShape<string>): RowShape<KeyedRow> {
  const keyed = (key: Key, json: string | null): KeyedRow | null => (json === null ? null : { key, json })
  return {
    ...shape,
    row: (change, key) => keyed(key, shape.row(change, key)),
    patch: (standing) => keyed(standing.patches.at(-1)!.detail.key, shape.patch(standing)),
    move: (moved) => keyed(moved.key, shape.move(moved)),
    gone: (change, key) => ({ key, json: shape.gone(change, key) }),
  }
}

/** Makes the text that travels at once, so that it is ready before its turn comes. */
export function stagingOf(kernel: Kernel, table: BoundTable, rows: readonly KeyedRow[]): Staging {
  return rows.length < COPY_FROM_ROWS ? byParameter(rows) : byCopy(kernel, table, rows)
}

function byParameter(rows: readonly KeyedRow[]): Staging {
  const json = jsonArray(rows.map((row) => row.json))
  return async () => ({ staged: sql`(SELECT value AS cdc_row FROM jsonb_array_elements(${json}::jsonb))` })
}

let loads = 0

/**
 * The table is made once in a session and empty at the end of each transaction; until then what several loads brought
 * into it is told apart by a number.
 */
function byCopy(kernel: Kernel, table: BoundTable, rows: readonly KeyedRow[]): Staging {
  const load = ++loads % 2 ** 31
  const lines = rows.map(({ key, json }) => [String(load), ...key.tokens.map(textOf), json].map(copyField).join('\t'))
  const data = `${lines.join('\n')}\n`
  const keys = table.keys.map(({ travelsAs }, i) => ({ attribute: `k${i}`, column: `k${i}`, travelsAs }))
  const name = stageName(table)
  const columns = [
    sql`cdc_load int`,
    ...keys.map(({ column, travelsAs }) => sql`${sql.id(column)} ${sql.raw(travelsAs)}`),
    sql`cdc_row jsonb`,
  ]
  const names = sql.join([sql`cdc_load`, ...(keys.length === 0 ? [] : [columnList(keys)]), sql`cdc_row`])
  return async (to) => {
    await sql`CREATE TEMP TABLE IF NOT EXISTS ${sql.id(name)} (${sql.join(columns)})
      ${kernel.heap(100)} ON COMMIT DELETE ROWS ${distributedBy(keys)}`.execute(to)
    await sql`COPY ${sql.id(name)} (${names}) FROM STDIN ${data}`.execute(to)
    return { staged: sql`(SELECT * FROM ${sql.id(name)} WHERE cdc_load = ${load})`, givesKeys: true }
  }
}

/** One for each target and kind of key. */
function stageName({ schema, name, keys }: BoundTable): string {
  const parts = [schema, name, ...keys.map(({ travelsAs }) => travelsAs)]
  return `cdc_relay_stage_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)}`
}

/** A JSON token → the text of its value. */
const textOf = (token: string): string => (token.startsWith('"') ? (JSON.parse(token) as string) : token)

/** As COPY reads it in its text format: https://www.postgresql.org/docs/current/sql-copy.html */
const copyField = (value: string): string => value.replaceAll(/[\\\t\n\r]/g, (char) => ESCAPES[char]!)

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }
