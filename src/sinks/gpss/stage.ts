import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { JsonSpan } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { BY_KEY, type MergeTable, mergeStatements, type Step } from '../sql/greenplum/merge.ts'
import { tableId } from '../tables/clauses.ts'
import type { Statement } from '../tables/database.ts'
import { RowEncoder } from './rows.ts'
import type { GpssTable, Load } from './session.ts'
import { doBlock, setWhereKnown, sqlText } from './sql-text.ts'
import { withTypesOf } from './types-of-columns.ts'

/** Columns of a staging table, and how their values travel. Greenplum spreads a table by its first column. */
export const STAGE_COLUMNS = [
  ['cdc_spread', 'integer', 'int32'],
  ['cdc_part', 'text', 'string'],
  ['cdc_row', 'text', 'string'],
] as const

/** Stands for a part without rows. */
const NO_ROW: JsonSpan = { bytes: Buffer.alloc(0), start: 0, end: 0 }

const KINDS_BY_KEY: readonly Step['kind'][] = ['rows', 'patches', 'moves']

/**
 * The staging table of a relay for a target. One for each target, for loads into one table at the same time are reported
 * to be unstable; one for each relay, so that none merges what another one has staged.
 */
export function stageOf(relay: string, { schema, name }: GpssTable): GpssTable {
  return { schema: 'cdc_relay', name: `stage_${shortHash([relay, schema, name])}` }
}

/** The table in which a relay tries rows of a target. */
export function probeOf(relay: string, { schema, name }: GpssTable): GpssTable {
  return { schema: 'cdc_relay', name: `probe_${shortHash([relay, schema, name])}` }
}

/** The statement that makes a staging table. */
export const createStage = ({ schema, name }: GpssTable): Statement =>
  sql`CREATE TABLE ${sql.id(schema, name)} (${sql.join(
    STAGE_COLUMNS.map(([column, type]) => sql`${sql.id(column)} ${sql.raw(type)}`),
  )})`

/**
 * The rows of one load into a mirror, while its plan is laid out. Each statement of the plan becomes a part: its rows are
 * staged under the part's name, `LOAD/STEP/KIND/SHAPE`, and the SQL behind the load merges part by part.
 *
 * That SQL is one DO block, so it happens as a whole also where GPSS runs it outside of the load's transaction. It merges
 * whatever is staged, oldest first, and takes it away: running it twice does nothing more, and what an earlier load left
 * behind because its SQL did not run is not lost.
 *
 * The block begins with the settings that let the planner find rows by the index of the key (`BY_KEY`). Then it takes the
 * lock that Greenplum's UPDATE takes anyway: of two relays that merge into one table the second one must see the rows of
 * the first, or both would add the same key. Each relay has a staging table of its own, and this is the only lock that they
 * share, so neither can hold one that the other waits for. At the end the block empties the staging table, by TRUNCATE
 * where that is possible: Greenplum does not clean up behind DELETE by itself, and each load would be slower than the one
 * before it.
 */
export class Stage {
  readonly #relay: string
  readonly #load: string
  #table: MergeTable | null = null
  readonly #encoder = new RowEncoder(STAGE_COLUMNS.map(([, , member]) => member))
  #steps = 0
  #spread = 0

  /** @param load sorts behind the loads before it, and tells its rows from theirs */
  constructor(relay: string, load: string) {
    this.#relay = relay
    this.#load = load
  }

  /**
   * @param table the same in every call
   * @param rows JSON objects; without any, the statement is run all the same
   * @throws RelayError SINK_REFUSED for a row that is larger than a message may be
   */
  add(table: MergeTable, kind: Step['kind'], rows: readonly JsonSpan[]): number {
    this.#table = table
    const step = String(++this.#steps).padStart(6, '0')
    const part = `${this.#load}/${step}/${kind}/${shapeOf(table)}`
    for (const row of rows.length === 0 ? [NO_ROW] : rows) {
      if (this.#encoder.add([this.#spread++, part, row])) continue
      const detail = `A row of table ${table.source} has ${row.end - row.start} bytes, more than GPSS takes in one message`
      throw new RelayError('SINK_REFUSED', detail)
    }
    return rows.length
  }

  /**
   * Null if there is nothing to load.
   * @param leftovers what becomes of rows that an earlier load left behind
   */
  finish(leftovers: 'merge' | 'drop'): Load | null {
    const rows = this.#encoder.finish()
    if (this.#table === null || rows.count === 0) return null
    const stage = stageOf(this.#relay, this.#table)
    return {
      table: stage,
      columns: STAGE_COLUMNS.map(([column]) => column),
      rows,
      ...(leftovers === 'drop' ? { preSql: sqlText([sql`DELETE FROM ${sql.id(stage.schema, stage.name)}`]) } : {}),
      postSql: mergeAll(this.#table, stage),
    }
  }
}

/** What the members of staged rows mean: rows that were staged for other columns must not be merged into these. */
function shapeOf({ keys, columns, dataType }: MergeTable): string {
  const names = [...keys, ...(columns?.values ?? [])].map(({ column }) => column)
  return shortHash([dataType ?? '', ...names])
}

function mergeAll(table: MergeTable, stage: GpssTable): string {
  const id = sql.id(stage.schema, stage.name)
  const keys = table.keys.map(({ travelsAs }, i) => {
    return sql`, (t.cdc_row->>${sql.lit(`k${i}`)})::${sql.raw(travelsAs)} AS ${sql.id(`k${i}`)}`
  })
  const staged = sql`(SELECT t.cdc_row${sql.join(keys, sql``)}
    FROM (SELECT cdc_row::jsonb AS cdc_row FROM ${id} WHERE cdc_part = cdc_this AND cdc_row <> '') t)`
  const kinds = table.keys.length === 0 ? (['added'] as const) : KINDS_BY_KEY
  const merges = kinds.map((kind) => {
    const statements = withTypesOf(table, mergeStatements(table, { kind, staged }))
    return `IF split_part(cdc_this, '/', 3) = '${kind}' THEN\n${statements};\nEND IF;`
  })
  const body = `DECLARE
  cdc_parts text[];
  cdc_this text;
BEGIN
${setWhereKnown(BY_KEY)};
${sqlText([sql`LOCK TABLE ${tableId(table)} IN EXCLUSIVE MODE`])};
cdc_parts := ARRAY(${sqlText([sql`SELECT DISTINCT cdc_part FROM ${id} ORDER BY cdc_part`])});
IF cdc_parts <> '{}' THEN
FOREACH cdc_this IN ARRAY cdc_parts LOOP
IF split_part(cdc_this, '/', 4) = '${shapeOf(table)}' THEN
${merges.join('\n')}
END IF;
END LOOP;
BEGIN
${sqlText([sql`LOCK TABLE ${id} IN ACCESS EXCLUSIVE MODE NOWAIT`, sql`TRUNCATE ${id}`])};
EXCEPTION WHEN lock_not_available THEN
${sqlText([sql`DELETE FROM ${id} WHERE cdc_part = ANY (cdc_parts)`])};
END;
END IF;
END`
  return doBlock(body)
}

const shortHash = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)
