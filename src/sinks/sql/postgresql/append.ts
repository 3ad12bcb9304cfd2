import { sql } from 'kysely'
import { type Change, toJson } from '../../../change.ts'
import { definitionsOf, jsonArray, tableId } from '../../tables/clauses.ts'
import type { Database, Statement } from '../../tables/database.ts'
import type { AddedColumn, Layout, Mismatch, NewTable, Plan } from '../../tables/layout.ts'
import { unfilledColumns, wrongColumns, wrongForeignKeys, wrongKind } from '../../tables/mismatches.ts'
import type { OwnColumn } from '../../tables/own-columns.ts'
import type { Relation } from '../../tables/relation.ts'
import { NOTHING_ASIDE } from '../../tables/set-aside.ts'
import { inSlices } from '../../tables/slices.ts'
import type { TableStyle } from '../../tables/style.ts'
import type { Target } from '../../tables/target.ts'
import { hasPlaceKey, missingPlaceKey, PLACE, placeIndex } from './log-key.ts'
import { wrongUniques } from './uniqueness.ts'

/** The fields of the change record, in the order of docs/change-record.md: column, type, types that an existing column may have. */
const COLUMNS = [
  ['op', 'text', ['text', 'varchar']],
  ['table_schema', 'text', ['text', 'varchar']],
  ['table_name', 'text', ['text', 'varchar']],
  ['key', 'jsonb', ['jsonb', 'json']],
  ['before', 'jsonb', ['jsonb', 'json']],
  ['after', 'jsonb', ['jsonb', 'json']],
  ['complete', 'boolean', ['bool']],
  ['version', 'bigint', ['int8', 'numeric']],
  ['time', 'timestamptz', ['timestamptz']],
  ['expired', 'boolean', ['bool']],
  ['transaction', 'jsonb', ['jsonb', 'json']],
  ['format', 'text', ['text', 'varchar']],
  ['stream', 'text', ['text', 'varchar']],
  ['shard', 'text', ['text', 'varchar']],
  ['sequence', 'text', ['text', 'varchar']],
  ['sub_sequence', 'integer', ['int4', 'int8']],
  ['event_id', 'text', ['text', 'varchar']],
] as const

/** What is always given may be NOT NULL. */
const ALWAYS: ReadonlySet<string> = new Set([
  'op',
  'table_name',
  'complete',
  'version',
  'time',
  'format',
  'stream',
  'shard',
  'sequence',
])

const OWN: readonly OwnColumn[] = COLUMNS.map(([name, type, types]) => ({
  name,
  definition: sql.raw(type),
  types,
  mayBeNotNull: ALWAYS.has(name),
}))
/** What the relay writes of a log, with its types. */
export const LOG_DEFINITIONS: readonly Statement[] = definitionsOf(OWN)
export const LOG_COLUMNS: Statement = sql.join(OWN.map(({ name }) => sql.id(name)))
const TYPED_NAMES: Statement = sql.join(LOG_DEFINITIONS)

/** How the rows of a log get into their table, and what keeps a record from being there twice. */
export interface LogRows {
  readonly encode: (change: Change) => string
  /** Resolves to how many were written. @param rows may be none: it fails as with rows if that is not for a row */
  readonly insert: (trx: Database, table: Target, rows: readonly string[]) => Promise<number>
  /** The same for a table with the key of `log-key.ts`: leaves out rows whose record is there. */
  readonly insertOnce: (trx: Database, table: Target, rows: readonly string[]) => Promise<number>
  /** Makes a log with that key. */
  readonly createKeyed: (target: Target, columns: readonly AddedColumn[]) => NewTable
  /** What keeps an existing table from it. */
  readonly wrongKey: (target: Target, relation: Relation) => readonly Mismatch[]
}

/**
 * One row for each change, in the order of arrival; each record once: since its position moves in the same transaction, or,
 * where an engine keeps the positions, since the place of its record is unique.
 */
export function appendLog(style: TableStyle, isShared: boolean, rows: LogRows = byParameter(style)): Layout {
  const written = new Set(OWN.map(({ name }) => name))
  const columns = OWN.map(({ name, definition }) => ({
    name,
    definition: sql`${definition}${sql.raw(ALWAYS.has(name) ? ' NOT NULL' : '')}`,
  }))
  return {
    desired: () => ({ keys: [], columns: [] }),
    create: (target) => (isShared ? rows.createKeyed(target, columns) : style.create(target, columns, [])),
    additions: () => ({ own: [], optional: [], columns: [] }),
    mismatches(target, _desired, relation) {
      const kind = wrongKind(target, relation)
      if (kind.length > 0) return kind
      return [
        ...wrongColumns(target, OWN, relation, style),
        // Unique by record is what the log is.
        ...wrongUniques(target, [], written, {
          ...relation,
          uniques: (relation.uniques ?? []).filter(
            ({ columns, parts }) => !columns.includes('sequence') && parts?.includes('sequence') !== true,
          ),
        }),
        ...wrongForeignKeys(relation),
        ...unfilledColumns(target, written, relation, style),
        ...(isShared ? rows.wrongKey(target, relation) : []),
      ]
    },
    bind(target, _desired, relation) {
      const insert = hasPlaceKey(relation) ? rows.insertOnce : rows.insert
      return {
        ...target,
        keys: [],
        known: null,
        hasTombstones: false,
        async plan(changes) {
          const encoded: string[] = []
          await inSlices(changes, (slice) => {
            for (const change of slice) encoded.push(rows.encode(change))
          })
          const write: Plan['write'] = (trx) =>
            encoded.length === 0 ? Promise.resolve(0) : insert(trx, target, encoded)
          const writeNothing = async (trx: Database): Promise<void> => {
            await insert(trx, target, [])
          }
          return { refused: [], aside: NOTHING_ASIDE, write, steps: [{ rows: encoded.length, write }], writeNothing }
        },
      }
    },
    companion: () => null,
  }
}

function rowJson(change: Change): string {
  const { table, source, transaction, expired } = change
  const text = JSON.stringify
  return (
    `{"op":"${change.op}","table_schema":${text(table.schema)},"table_name":${text(table.name)},"key":${toJson(change.key)},` +
    `"before":${toJson(change.before)},"after":${toJson(change.after)},"complete":${change.complete},` +
    `"version":${change.version},"time":"${change.time}","expired":${expired ?? null},` +
    `"transaction":${text(transaction ?? null)},"format":"${source.format}","stream":${text(source.stream)},` +
    `"shard":${text(source.shard)},"sequence":${text(source.sequence)},"sub_sequence":${source.subSequence ?? null},` +
    `"event_id":${text(source.eventId ?? null)}}`
  )
}

/** All rows are one parameter. */
function byParameter(style: TableStyle): LogRows {
  const insert = async (trx: Database, table: Target, rows: readonly string[], once = sql``): Promise<number> => {
    const result = await sql`
      INSERT INTO ${tableId(table)} (${LOG_COLUMNS})
      SELECT ${LOG_COLUMNS} FROM jsonb_to_recordset(${jsonArray(rows)}::jsonb) AS s(${TYPED_NAMES})${once}`.execute(trx)
    return Number(result.numAffectedRows)
  }
  return {
    encode: rowJson,
    insert: (trx, table, rows) => insert(trx, table, rows),
    // What another unique index has against a row is for that row.
    insertOnce: (trx, table, rows) => insert(trx, table, rows, sql` ON CONFLICT (${PLACE}) DO NOTHING`),
    createKeyed(target, columns) {
      const made = style.create(target, columns, [])
      return { ...made, statements: [...made.statements, placeIndex(target)] }
    },
    wrongKey: missingPlaceKey,
  }
}
