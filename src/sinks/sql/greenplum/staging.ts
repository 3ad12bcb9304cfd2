import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { JsonSpan } from '../../../change.ts'
import { columnList } from '../../tables/clauses.ts'
import { textOfToken } from '../../tables/codecs/codec.ts'
import type { Database, Statement } from '../../tables/database.ts'
import type { Key, RowShape } from '../../tables/mirror.ts'
import { textOf } from '../../tables/row-writer.ts'
import type { BoundTable } from '../../tables/target.ts'
import { copyField } from '../postgresql/copy-in.ts'
import { distributedBy, type Kernel } from './kernel.ts'

/** A row as a JSON object, and its key, by which it finds its segment. */
export interface KeyedRow {
  readonly key: Key
  readonly json: string
}

/** Rows that stand ready: they become what statements read from. */
export type Staging = (to: Database) => Promise<Statement>

export function keyedShape(shape: RowShape<JsonSpan>): RowShape<KeyedRow> {
  const keyed = (key: Key, json: JsonSpan | null): KeyedRow | null =>
    json === null ? null : { key, json: textOf(json) }
  return {
    ...shape,
    row: (change, key, aside) => keyed(key, shape.row(change, key, aside)),
    patch: (folded, aside) => keyed(folded.patches.at(-1)!.key, shape.patch(folded, aside)),
    move: (moved, aside) => keyed(moved.key, shape.move(moved, aside)),
    tombstone: (change, key) => ({ key, json: textOf(shape.tombstone(change, key)) }),
  }
}

/** The number of a load, which tells its rows from those of others in the same table. */
let loads = 0
export const nextLoad = (): number => ++loads % 2 ** 31

/** Up to so many rows go into a table that all targets share: for each table that is emptied at its end a COMMIT takes 9 ms. */
const FEW_ROWS = 200

/**
 * Rows go by COPY, however few they are, into a temporary table of the session. Rows that a function makes from a parameter
 * count as being everywhere, and what they are compared with by NOT EXISTS or LEFT JOIN, the whole target, would be brought
 * together in one process for each batch.
 *
 * The text that travels is made at once, so that it is ready before its turn comes.
 */
export function stagingOf(kernel: Kernel, table: BoundTable, rows: readonly KeyedRow[]): Staging {
  return table.keys.length > 0 && rows.length <= FEW_ROWS ? sharedStaging(table, rows) : ownStaging(kernel, table, rows)
}

const SHARED = sql.id('cdc_relay_stage')

/**
 * Makes the table that targets share: first of each batch, for a session that lost its segments has lost it, too. It is empty
 * at the end of each transaction. Spread by the first column of the key as text, so that rows for a key of texts are where
 * their target is.
 */
export const createSharedStage = (kernel: Kernel): Statement =>
  sql`CREATE TEMP TABLE IF NOT EXISTS ${SHARED} (cdc_load int, k0 text, cdc_row jsonb)
    ${kernel.heap(100)} ON COMMIT DELETE ROWS DISTRIBUTED BY (k0)`

function sharedStaging({ keys }: BoundTable, rows: readonly KeyedRow[]): Staging {
  const load = nextLoad()
  const data = linesOf(rows.map(({ key, json }) => [String(load), textOfToken(key.tokens[0]!), json]))
  const typed = keys.map(({ travelsAs }, i) => {
    const text = i === 0 ? sql`k0` : sql`cdc_row->>${sql.lit(`k${i}`)}`
    return sql`(${text})::${sql.raw(travelsAs)} AS ${sql.id(`k${i}`)}`
  })
  return async (to) => {
    await sql`COPY ${SHARED} (cdc_load, k0, cdc_row) FROM STDIN ${data}`.execute(to)
    return sql`(SELECT ${sql.join(typed)}, cdc_row FROM ${SHARED} WHERE cdc_load = ${load})`
  }
}

/**
 * A table that is spread as the target is, so that every join of the merge stays on its segment. It is made once in a
 * session and empty at the end of each transaction. A session that lost its segments has lost it, too: it is asked for
 * each time.
 */
function ownStaging(kernel: Kernel, table: BoundTable, rows: readonly KeyedRow[]): Staging {
  const load = nextLoad()
  const data = linesOf(rows.map(({ key, json }) => [String(load), ...key.tokens.map(textOfToken), json]))
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

/** Each row in the text format of COPY, with its end. */
const linesOf = (rows: readonly (readonly string[])[]): string =>
  rows.map((fields) => `${fields.map(copyField).join('\t')}\n`).join('')

/** One for each target and kind of key. */
function stageName({ schema, name, keys }: BoundTable): string {
  const parts = [schema, name, ...keys.map(({ travelsAs }) => travelsAs)]
  return `cdc_relay_stage_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)}`
}
