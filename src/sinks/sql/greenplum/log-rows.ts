import { sql } from 'kysely'
import { type Change, toJson } from '../../../change.ts'
import { definitionsOf, tableId } from '../../tables/clauses.ts'
import type { Statement } from '../../tables/database.ts'
import { alter } from '../../tables/mismatches.ts'
import type { Relation } from '../../tables/relation.ts'
import type { Target } from '../../tables/target.ts'
import { LOG_COLUMNS, LOG_DEFINITIONS, type LogRows } from '../postgresql/append.ts'
import { copyField } from '../postgresql/copy-in.ts'
import { missingPlaceKey, placeIndex } from '../postgresql/log-key.ts'
import { distributedBy, type Kernel } from './kernel.ts'
import { nextLoad } from './staging.ts'

/** By COPY: a parameter is taken apart on the coordinator, which is most of the time that a batch takes there. */
export function logByCopy(kernel: Kernel): LogRows {
  return {
    encode: line,

    async insert(trx, table, rows) {
      await sql`COPY ${tableId(table)} (${LOG_COLUMNS}) FROM STDIN ${linesOf(rows)}`.execute(trx)
      return rows.length
    },

    /** Greenplum 6 has no ON CONFLICT. Nobody else writes the log: such batches take turns. */
    async insertOnce(trx, table, rows) {
      const load = nextLoad()
      await createStage(kernel).execute(trx)
      const loaded = linesOf(rows.map((row) => `${load}\t${row}`))
      await sql`COPY ${STAGE} (cdc_load, ${LOG_COLUMNS}) FROM STDIN ${loaded}`.execute(trx)
      const inserted = await sql`
        INSERT INTO ${tableId(table)} (${LOG_COLUMNS})
        SELECT ${LOG_COLUMNS} FROM (
          SELECT DISTINCT ON (stream, shard, sequence, sub_sequence) * FROM ${STAGE} WHERE cdc_load = ${load}) s
        WHERE NOT EXISTS (
          SELECT 1 FROM ${tableId(table)} l WHERE l.sequence = s.sequence AND l.shard = s.shard AND l.stream = s.stream
            AND coalesce(l.sub_sequence, -1) = coalesce(s.sub_sequence, -1))`.execute(trx)
      return Number(inserted.numAffectedRows)
    },

    createKeyed(target, columns) {
      const table = sql`CREATE TABLE ${tableId(target)} (${sql.join(definitionsOf(columns))}) ${kernel.heap(100)} ${BY_SEQUENCE}`
      return { columns, keys: [], statements: [table, placeIndex(target)] }
    },

    wrongKey: (target, relation) => missingPlaceKey(target, relation, stepsToKey(kernel, target, relation)),
  }
}

/** A unique index is on all columns that its table is spread by, or more. */
const BY_SEQUENCE = distributedBy([{ attribute: 'sequence', column: 'sequence' }])

/** What must be done before a table can have a unique index on the place; append-optimised tables have none. */
function stepsToKey(
  kernel: Kernel,
  target: Target,
  { isAppendOptimized = false, distribution }: Relation,
): Statement[] {
  const isSpread = distribution === 'randomly' || (typeof distribution === 'object' && !distribution.every(isOfPlace))
  return [
    ...(isAppendOptimized ? [kernel.becomeHeap(target) ?? remade(kernel, target)] : []),
    ...(isSpread ? [alter(target, sql`SET ${BY_SEQUENCE}`)] : []),
  ]
}

const isOfPlace = (column: string): boolean => ['stream', 'shard', 'sequence'].includes(column)

/** As a heap, under its name. */
function remade(kernel: Kernel, target: Target): Statement {
  const copy = { ...target, name: `${target.name}_heap` }
  return sql`CREATE TABLE ${tableId(copy)} ${kernel.heap(100)} AS TABLE ${tableId(target)} ${BY_SEQUENCE}; DROP TABLE ${tableId(target)}; ALTER TABLE ${tableId(copy)} RENAME TO ${sql.id(target.name)}`
}

const STAGE = sql.id('cdc_relay_log_stage')

/** Empty at the end of each transaction. A session that lost its segments has lost it, too: it is asked for each time. */
const createStage = (kernel: Kernel): Statement =>
  sql`CREATE TEMP TABLE IF NOT EXISTS ${STAGE} (cdc_load int, ${sql.join(LOG_DEFINITIONS)})
    ${kernel.heap(100)} ON COMMIT DELETE ROWS ${BY_SEQUENCE}`

const linesOf = (rows: readonly string[]): string => rows.map((row) => `${row}\n`).join('')

/** The columns of `LOG_COLUMNS`. */
function line({
  op,
  table,
  key,
  before,
  after,
  complete,
  version,
  time,
  expired,
  transaction,
  source,
}: Change): string {
  const json = (value: Parameters<typeof toJson>[0] | undefined): string | null =>
    value == null ? null : toJson(value)
  const fields = [
    op,
    table.schema,
    table.name,
    json(key),
    json(before),
    json(after),
    `${complete}`,
    version,
    time,
    expired === undefined ? null : `${expired}`,
    transaction === undefined ? null : JSON.stringify(transaction),
    source.format,
    source.stream,
    source.shard,
    source.sequence,
    source.subSequence === undefined ? null : `${source.subSequence}`,
    source.eventId ?? null,
  ]
  return fields.map(copyField).join('\t')
}
