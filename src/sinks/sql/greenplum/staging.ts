import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { columnList } from '../clauses.ts'
import type { Database } from '../connection.ts'
import type { BoundTable, Statement } from '../layout.ts'
import type { Key, RowShape } from '../mirror.ts'
import { copyField } from '../postgresql/copy-in.ts'
import { textOfToken } from '../refused-values.ts'
import { distributedBy, type Kernel } from './kernel.ts'

/** A row as a JSON object, and its key, by which it finds its segment. */
export interface KeyedRow {
  readonly key: Key
  readonly json: string
}

/** Rows that stand ready: they become what statements read from. */
export type Staging = (to: Database) => Promise<Statement>

export function keyedShape(shape: RowShape<string>): RowShape<KeyedRow> {
  const keyed = (key: Key, json: string | null): KeyedRow | null => (json === null ? null : { key, json })
  return {
    ...shape,
    row: (change, key, aside) => keyed(key, shape.row(change, key, aside)),
    patch: (standing, aside) => keyed(standing.patches.at(-1)!.detail.key, shape.patch(standing, aside)),
    move: (moved, aside) => keyed(moved.key, shape.move(moved, aside)),
    gone: (change, key) => ({ key, json: shape.gone(change, key) }),
  }
}

let loads = 0

/**
 * Rows go by COPY, however few they are, into a temporary table that is spread as the target is. So every join of the
 * merge stays on its segment. Rows that a function makes from a parameter count as being everywhere, and what they are
 * compared with by NOT EXISTS or LEFT JOIN, the whole target, would be brought together in one process for each batch.
 *
 * The table is made once in a session and empty at the end of each transaction; until then what several loads brought
 * into it is told apart by a number. A session that lost its segments has lost the table, too: it is asked for each time.
 *
 * The text that travels is made at once, so that it is ready before its turn comes.
 */
export function stagingOf(kernel: Kernel, table: BoundTable, rows: readonly KeyedRow[]): Staging {
  const load = ++loads % 2 ** 31
  const lines = rows.map(({ key, json }) =>
    [String(load), ...key.tokens.map(textOfToken), json].map(copyField).join('\t'),
  )
  const data = lines.map((line) => `${line}\n`).join('')
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
    return sql`(SELECT * FROM ${sql.id(name)} WHERE cdc_load = ${load})`
  }
}

/** One for each target and kind of key. */
function stageName({ schema, name, keys }: BoundTable): string {
  const parts = [schema, name, ...keys.map(({ travelsAs }) => travelsAs)]
  return `cdc_relay_stage_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)}`
}
