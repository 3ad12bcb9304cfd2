import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { RelayError } from '../../errors.ts'
import type { Statement } from '../sql/layout.ts'
import { type MergeTable, mergeStatements, type Step } from './merge.ts'
import { RowEncoder } from './rows.ts'
import type { GpssTable, Load } from './session.ts'
import { sqlText } from './sql-text.ts'

/** Columns of a staging table, and how their values travel. Greenplum spreads a table by its first column. */
const COLUMNS = [
  ['cdc_spread', 'integer', 'int32'],
  ['cdc_part', 'text', 'string'],
  ['cdc_row', 'text', 'string'],
] as const

const KINDS: readonly Step['kind'][] = ['rows', 'patches', 'moves']

/**
 * The staging table of a relay for a target. One for each target, for loads into one table at the same time are reported
 * to be unstable; one for each relay, so that none merges what another one has staged.
 */
export function stageOf(relay: string, { schema, name }: GpssTable): GpssTable {
  return { schema: 'cdc_relay', name: `stage_${shortHash([relay, schema, name])}` }
}

/** The statement that makes a staging table. */
export const createStage = ({ schema, name }: GpssTable): Statement =>
  sql`CREATE TABLE ${sql.id(schema, name)} (${sql.join(
    COLUMNS.map(([column, type]) => sql`${sql.id(column)} ${sql.raw(type)}`),
  )})`

/**
 * The rows of one load into a mirror, while its plan is laid out. Each statement of the plan becomes a part: its rows are
 * staged under the part's name, `LOAD/STEP/KIND/SHAPE`, and the SQL behind the load merges part by part.
 *
 * That SQL is one DO block, so it happens as a whole also where GPSS runs it outside of the load's transaction. It merges
 * whatever is staged, oldest first, and takes it away: running it twice does nothing more, and what an earlier load left
 * behind because its SQL did not run is not lost.
 */
export class Stage {
  readonly #relay: string
  readonly #table: MergeTable
  readonly #load: string
  readonly #shape: string
  readonly #encoder = new RowEncoder(COLUMNS.map(([, , member]) => member))
  #steps = 0
  #spread = 0

  /** @param load sorts behind the loads before it, and tells its rows from theirs */
  constructor(relay: string, table: MergeTable, load: string) {
    this.#relay = relay
    this.#table = table
    this.#load = load
    this.#shape = shapeOf(table)
  }

  /** @param rows JSON objects. @throws RelayError SINK_REFUSED for a row that is larger than a message may be */
  add(kind: Step['kind'], rows: readonly string[]): void {
    const step = String(++this.#steps).padStart(6, '0')
    const part = `${this.#load}/${step}/${kind}/${this.#shape}`
    for (const row of rows) {
      if (this.#encoder.add([this.#spread++, part, row])) continue
      const detail = `A row of table ${this.#table.source} has ${Buffer.byteLength(row)} bytes, more than GPSS takes in one message`
      throw new RelayError('SINK_REFUSED', detail)
    }
  }

  /** Null if there is nothing to load. */
  finish(): Load | null {
    const rows = this.#encoder.finish()
    if (rows.count === 0) return null
    const stage = stageOf(this.#relay, this.#table)
    return {
      table: stage,
      columns: COLUMNS.map(([column]) => column),
      rows,
      postSql: mergeAll(this.#table, stage, this.#shape),
    }
  }
}

/** What the members of staged rows mean: rows that were staged for other columns must not be merged into these. */
function shapeOf({ keys, columns, dataType }: MergeTable): string {
  const names = [...keys, ...(columns?.values ?? [])].map(({ column }) => column)
  return shortHash([dataType ?? '', ...names])
}

function mergeAll(table: MergeTable, stage: GpssTable, shape: string): string {
  const id = sql.id(stage.schema, stage.name)
  const staged = sql`(SELECT cdc_row FROM ${id} WHERE cdc_part = cdc_this)`
  const merges = KINDS.map((kind) => {
    const statements = mergeStatements(table, { kind, staged })
    return `IF split_part(cdc_this, '/', 3) = '${kind}' THEN\n${sqlText(statements)};\nEND IF;`
  })
  const body = `DECLARE
  cdc_parts text[] := ARRAY(${sqlText([sql`SELECT DISTINCT cdc_part FROM ${id} ORDER BY cdc_part`])});
  cdc_this text;
BEGIN
IF cdc_parts <> '{}' THEN
FOREACH cdc_this IN ARRAY cdc_parts LOOP
IF split_part(cdc_this, '/', 4) = '${shape}' THEN
${merges.join('\n')}
END IF;
END LOOP;
${sqlText([sql`DELETE FROM ${id} WHERE cdc_part = ANY (cdc_parts)`])};
END IF;
END`
  return doBlock(body)
}

/** The quotes around the body must not be in it. */
export function doBlock(body: string): string {
  let quote = '$cdc_relay$'
  for (let i = 0; body.includes(quote); i++) quote = `$cdc_relay_${i}$`
  return `DO ${quote} ${body} ${quote}`
}

const shortHash = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)
