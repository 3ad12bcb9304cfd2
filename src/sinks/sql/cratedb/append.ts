import { sql } from 'kysely'
import type { Change, Row } from '../../../change.ts'
import type { Database } from '../../tables/database.ts'
import type { AddedColumn, Layout, Mismatch, Plan } from '../../tables/layout.ts'
import type { Key } from '../../tables/mirror.ts'
import { unfilledColumns, wrongColumns, wrongKind } from '../../tables/mismatches.ts'
import type { OwnColumn } from '../../tables/own-columns.ts'
import { NOTHING_ASIDE } from '../../tables/set-aside.ts'
import { inSlices } from '../../tables/slices.ts'
import type { Target } from '../../tables/target.ts'
import { documentLog, isDocumentLog } from './documents/append-documents.ts'
import { ignoredDocument } from './documents/documents.ts'
import { quotedElement } from './rows/array-literal.ts'
import { JSON_TEXT } from './rows/read-back.ts'
import { writeRows } from './rows/write-rows.ts'
import type { CrateRow, WrittenColumn, WrittenTable } from './rows/written-table.ts'
import { type CrateRelation, primaryKeyOf } from './tables/relation.ts'
import { crateStyle, createTable, wrongObject } from './tables/tables.ts'

const TEXT = { type: 'TEXT', travelsAs: 'array(text)', types: ['text', 'varchar'] }
const OBJECT = { type: 'OBJECT(IGNORED)', travelsAs: 'array(object(ignored))', types: ['object'] }
const BOOLEAN = { type: 'BOOLEAN', travelsAs: 'array(boolean)', types: ['bool'] }
const BIGINT = { type: 'BIGINT', travelsAs: 'array(bigint)', types: ['int8'] }
const INTEGER = { type: 'INTEGER', travelsAs: 'array(integer)', types: ['int4', 'int8'] }

interface LogColumn {
  readonly name: string
  readonly type: string
  readonly travelsAs: string
  readonly types: readonly string[]
  readonly isAlways: boolean
  elementOf(change: Change): string | null
}

const textOrNull = (text: string | null): string | null => (text === null ? null : quotedElement(text))
const objectOrNull = (row: Row | null): string | null => (row === null ? null : quotedElement(ignoredDocument(row)))

/** The fields of the change record, in the order of docs/change-record.md. */
const COLUMNS: readonly LogColumn[] = [
  { name: 'op', ...TEXT, isAlways: true, elementOf: ({ op }) => `"${op}"` },
  { name: 'table_schema', ...TEXT, isAlways: false, elementOf: ({ table }) => textOrNull(table.schema) },
  { name: 'table_name', ...TEXT, isAlways: true, elementOf: ({ table }) => quotedElement(table.name) },
  { name: 'key', ...OBJECT, isAlways: false, elementOf: ({ key }) => objectOrNull(key) },
  { name: 'before', ...OBJECT, isAlways: false, elementOf: ({ before }) => objectOrNull(before) },
  { name: 'after', ...OBJECT, isAlways: false, elementOf: ({ after }) => objectOrNull(after) },
  { name: 'complete', ...BOOLEAN, isAlways: true, elementOf: ({ complete }) => String(complete) },
  // As text of one width, which sorts as the moments do: a TIMESTAMP of CrateDB has milliseconds.
  { name: 'time', ...TEXT, isAlways: true, elementOf: ({ time }) => `"${inMicroseconds(time)}"` },
  { name: 'expired', ...BOOLEAN, isAlways: false, elementOf: ({ expired }) => (expired ? 'true' : null) },
  {
    name: 'transaction',
    ...OBJECT,
    isAlways: false,
    elementOf: ({ transaction }) => textOrNull(transaction === undefined ? null : JSON.stringify(transaction)),
  },
  { name: 'format', ...TEXT, isAlways: true, elementOf: ({ source }) => quotedElement(source.format) },
  { name: 'event_id', ...TEXT, isAlways: false, elementOf: ({ source }) => textOrNull(source.eventId ?? null) },
]

/** The place of the record in its stream: the key. A sub-sequence of -1 is none. */
const PLACE: readonly LogColumn[] = [
  { name: 'stream', ...TEXT, isAlways: true, elementOf: ({ source }) => quotedElement(source.stream) },
  { name: 'shard', ...TEXT, isAlways: true, elementOf: ({ source }) => quotedElement(source.shard) },
  { name: 'sequence', ...TEXT, isAlways: true, elementOf: ({ source }) => quotedElement(source.sequence) },
  { name: 'sub_sequence', ...INTEGER, isAlways: true, elementOf: ({ source }) => String(source.subSequence ?? -1) },
]

const VERSION: LogColumn = { name: 'version', ...BIGINT, isAlways: true, elementOf: ({ version }) => version }

const ALL: readonly LogColumn[] = [...COLUMNS, VERSION, ...PLACE]
const OWN: readonly OwnColumn[] = ALL.map(({ name, type, types, isAlways }) => ({
  name,
  definition: sql.raw(type),
  types,
  mayBeNotNull: isAlways,
}))

const DEFINED: readonly AddedColumn[] = ALL.map(({ name, type, isAlways }) => ({
  name,
  definition: sql.raw(`${type}${isAlways ? ' NOT NULL' : ''}`),
}))

/**
 * One row for each change. Its key is the place of its record, so a batch that is written again leaves the rows as they
 * are. A table without key takes the same rows, and those of a repeated batch once more. A table of nothing but `data` gets
 * the whole change records there.
 */
export function crateLog(isShared: boolean): Layout<Database, CrateRelation> {
  return {
    desired: () => ({ keys: [], columns: [] }),
    create: (target) =>
      createTable(
        target,
        DEFINED,
        PLACE.map(({ name }) => name),
      ),
    additions: (_target, _desired, relation) =>
      isDocumentLog(relation) ? documentLog.additions(relation) : { own: [], optional: [], columns: [] },
    mismatches(target, _desired, relation) {
      const kind = wrongKind(target, relation)
      if (kind.length > 0) return kind
      return isDocumentLog(relation)
        ? [...documentLog.mismatches(relation), ...(isShared ? WITHOUT_PLACE : [])]
        : mismatches(target, relation, isShared)
    },
    bind(target, _desired, relation) {
      const plan = isDocumentLog(relation) ? documentLog.planner(target, relation) : planner(target, relation)
      return { ...target, keys: [], known: null, hasTombstones: false, plan }
    },
    companion: () => null,
  }
}

/** Of a table of whole change records. */
const WITHOUT_PLACE: readonly Mismatch[] = [
  {
    what: 'it has one column and no key, and under an engine (Lambda, KCL) records are written more than once, by several processes: let the relay make the log (another target with --table)',
    fix: null,
  },
]

function mismatches(target: Target, relation: CrateRelation, isShared: boolean): readonly Mismatch[] {
  const written = new Set(ALL.map(({ name }) => name))
  const primary = primaryKeyOf(relation)
  const isFit = primary === null ? !isShared : isOverPlace(primary)
  const place = PLACE.map(({ name }) => name).join(', ')
  const what =
    primary === null
      ? `it has no primary key, and under an engine (Lambda, KCL) records are written more than once, by several processes: its key must be (${place}); let the relay make the log (another target with --table)`
      : `its primary key is (${primary.join(', ')}), and must be (${place})${isShared ? '' : ', or none'}`
  return [
    ...wrongColumns(target, OWN, relation, crateStyle),
    ...OWN.flatMap(({ name }) => wrongObject(name, relation)),
    ...(isFit ? [] : [{ what, fix: null }]),
    ...unfilledColumns(target, written, relation, crateStyle),
  ]
}

const isOverPlace = (columns: readonly string[]): boolean =>
  columns.length === PLACE.length && PLACE.every(({ name }) => columns.includes(name))

function planner(target: Target, relation: CrateRelation): (changes: readonly Change[]) => Promise<Plan<Database>> {
  const hasKey = primaryKeyOf(relation) !== null
  const written = hasKey ? COLUMNS : [...COLUMNS, ...PLACE]
  const table: WrittenTable = {
    target,
    keys: hasKey ? PLACE.map(({ name, travelsAs }) => ({ id: sql.id(name), read: readBack(travelsAs) })) : [],
    keyColumns: hasKey
      ? PLACE.map(({ name, travelsAs }, i) => ({
          name,
          travelsAs,
          castTo: null,
          elementOf: ({ tokens }) => tokens[i]!,
        }))
      : [],
    columns: written.map(
      ({ name, travelsAs }): WrittenColumn => ({
        name,
        travelsAs,
        castTo: null,
        merged: null,
        read: readBack(travelsAs),
      }),
    ),
    own: { version: VERSION.name, mark: null, stands: 'first' },
  }
  const columns = written.map((_, i) => i)
  const rowOf = (change: Change): CrateRow => ({
    key: hasKey ? placeOf(change) : NO_KEY,
    version: change.version,
    isDeleted: false,
    elements: written.map(({ elementOf }) => elementOf(change)),
    patch: null,
    ...(hasKey ? {} : { change }),
  })
  return async (changes) => {
    const rows: CrateRow[] = []
    await inSlices(changes, (slice) => {
      for (const change of slice) rows.push(rowOf(change))
    })
    const distinct = hasKey ? [...new Map(rows.map((row) => [row.key.text, row])).values()] : rows
    const write: Plan['write'] = (to, onRejected) => writeRows(to, { table, columns, rows: distinct, onRejected })
    return { refused: [], aside: NOTHING_ASIDE, write, steps: [{ rows: distinct.length, write }] }
  }
}

const NO_KEY: Key = { text: '', tokens: [] }

const readBack = (travelsAs: string): WrittenColumn['read'] =>
  travelsAs === OBJECT.travelsAs ? JSON_TEXT : plainReadBack(travelsAs)

const plainReadBack = (travelsAs: string): WrittenColumn['read'] => ({
  asked: (id) => id,
  element: travelsAs === TEXT.travelsAs ? (answer) => quotedElement(String(answer)) : String,
})

function placeOf(change: Change): Key {
  const tokens = PLACE.map(({ elementOf }) => elementOf(change)!)
  return { text: tokens.join(','), tokens }
}

/** ISO 8601 with six digits of a fraction. */
function inMicroseconds(time: string): string {
  const [, moment, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(time)!
  return `${moment}.${fraction.padEnd(6, '0')}Z`
}
