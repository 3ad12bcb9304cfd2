import { sql } from 'kysely'
import type { Change } from '../../../../change.ts'
import { RelayError } from '../../../../errors.ts'
import type { Database } from '../../../tables/database.ts'
import { desiredDocument } from '../../../tables/document.ts'
import { familyOf, otherKey } from '../../../tables/keys.ts'
import type { Layout, Mismatch } from '../../../tables/layout.ts'
import { type Key, type MirrorStatements, planMirror, type RowShape, type RowWrite } from '../../../tables/mirror.ts'
import { unfilledColumns, wrongColumns, wrongKeys, wrongKind } from '../../../tables/mismatches.ts'
import type { OwnColumn } from '../../../tables/own-columns.ts'
import type { BoundTable, DesiredTable, Target } from '../../../tables/target.ts'
import { fittingKey } from '../rows/index-limits.ts'
import { refusingLone } from '../rows/lone-changes.ts'
import { layOverMoved, layOverRows } from '../rows/partial-images.ts'
import { writeRows } from '../rows/write-rows.ts'
import { plainKeys } from '../rows/written-keys.ts'
import { type CrateRow, MIRRORED, type WrittenTable } from '../rows/written-table.ts'
import { keyedDocuments } from '../tables/keyed-copy.ts'
import { keylessRow, ORIGIN, oncePerRecord, originKey } from '../tables/keyless.ts'
import { type Look, newLook } from '../tables/look.ts'
import { documentKey } from '../tables/names.ts'
import { AUX, DATA, DELETED, DYNAMIC_DATA, VERSION } from '../tables/own-columns.ts'
import { type CrateRelation, columnNamed, primaryKeyOf } from '../tables/relation.ts'
import { type CrateKey, crateStyle, requiredMembers, tooManyKeys, wrongObject } from '../tables/tables.ts'
import { documentColumns, keepsAll } from './document-columns.ts'
import { isOfToolkit, PK, pkKeys, pkPart, wrongPk } from './toolkit-tables.ts'

/**
 * The mirror in the layout `document`: key columns and the whole row in `data`; beside a `data OBJECT(DYNAMIC)` what that
 * would not keep as it is in `aux`. Tables of CrateDB's toolkit are written as they are.
 *
 * @param objects what a new table gets
 */
export function crateDocuments(objects: 'ignored' | 'dynamic'): Layout<Database, CrateRelation> {
  const own = objects === 'ignored' ? [DATA, VERSION, DELETED] : [DYNAMIC_DATA, AUX, VERSION, DELETED]
  return {
    desired: (evidence) => desiredDocument(evidence, crateStyle.names),

    create(target, { keys }) {
      const typed = keys.map(({ column, family }) => ({
        name: column,
        definition: sql`${sql.raw(crateStyle.newKeyType(family!))} NOT NULL`,
      }))
      return crateStyle.create(target, [...typed, ...own], keys)
    },

    additions(target, desired, relation) {
      const isThere = new Set(relation.columns.map(({ name }) => name))
      const missing = shapeMismatches(target, desired, relation).length > 0 ? [] : ownOf(relation)
      return {
        own: missing.filter(({ name }) => !isThere.has(name)),
        optional: [],
        columns: [],
      }
    },

    mismatches(target, desired, relation) {
      const shape = shapeMismatches(target, desired, relation)
      if (shape.length > 0) return shape
      const own = ownOf(relation)
      const keys = isOfToolkit(relation) ? [PK] : desired.keys.map(({ column }) => column)
      const written = new Set([...keys, ORIGIN, ...own.map(({ name }) => name)])
      return [
        ...wrongColumns(target, own, relation, crateStyle),
        ...wrongObject(AUX.name, relation),
        ...unfilledColumns(target, written, relation, crateStyle),
      ]
    },

    bind(target, desired, relation, known) {
      const keys = desired.keys.map((key) => {
        const family = key.family!
        const bound = isOfToolkit(relation)
          ? pkPart(key, relation)
          : crateStyle.keyColumn({ ...key, family }, columnNamed(relation, key.column))
        if (typeof bound === 'string') throw new TypeError(`a mismatch was overlooked: ${bound}`)
        return bound
      })
      const table: BoundTable = { ...target, keys, known, hasTombstones: false }
      const look = newLook(relation)
      const [shape, statements] = documentRows(table, keys, relation, look)
      return {
        ...table,
        async plan(changes) {
          const plan = await planMirror(table, shape, statements, changes)
          return plan === null ? null : look.of(refusingLone(plan, keys, changes))
        },
      }
    },

    companion(table, relation) {
      const keys = isOfToolkit(relation) ? [PK] : table.keys.map(({ column }) => column)
      const rest = relation.columns.some(({ name }) => name === AUX.name) ? [AUX.name] : []
      return crateStyle.companion(table, [...keys, DATA.name, ...rest, VERSION.name])
    },
  }
}

/** The relay's own columns of a table that is there, whose `data` somebody else may have chosen. */
function ownOf(relation: CrateRelation): readonly OwnColumn[] {
  const isThere = columnNamed(relation, DATA.name) !== undefined
  return [DATA, ...(isThere && !keepsAll(relation) ? [AUX] : []), VERSION, DELETED]
}

/** What added columns do not fix. */
function shapeMismatches(target: Target, { keys }: DesiredTable, relation: CrateRelation): readonly Mismatch[] {
  const kind = wrongKind(target, relation)
  if (kind.length > 0) return kind
  const data = relation.columns.find(({ name }) => name === DATA.name)
  if (data?.policy === 'strict') {
    return [{ what: 'column "data" is OBJECT(STRICT), which takes no attributes that it does not know', fix: null }]
  }
  if (isOfToolkit(relation)) return [...tooManyKeys(keys), ...wrongPk(keys, relation), ...requiredMembers(relation)]
  if (keys.length > 0 && data?.dataType === 'object' && primaryKeyOf(relation) === null) {
    const typed = keys.map((key) => ({ ...key, type: crateStyle.newKeyType(key.family!) }))
    const what =
      'it has no primary key, so there is nothing to find a row by: write to it with --mode append, or move its documents to a table with a key'
    return [{ what, fix: keyedDocuments(target, typed, data.policy ?? 'dynamic') }]
  }
  return [...wrongKeys(target, keys, relation, crateStyle), ...crateStyle.uniqueness(target, keys, new Set(), relation)]
}

function documentRows(
  table: BoundTable,
  keys: readonly CrateKey[],
  relation: CrateRelation,
  { onOutdated }: Look,
): [RowShape<CrateRow>, MirrorStatements<Database, CrateRow>] {
  const { columns, elementsOf, leanElementsOf } = documentColumns(relation, isOfToolkit(relation) ? keys : [])
  const held =
    keys.length === 0 ? originKey(relation) : isOfToolkit(relation) ? pkKeys(keys, relation) : plainKeys(keys, relation)
  const written: WrittenTable = { target: table, ...held, columns, own: MIRRORED }
  const all = columns.map((_, index) => index)
  const upsert =
    (rows: readonly CrateRow[]): RowWrite<Database> =>
    (to, onRejected) =>
      writeRows(to, { table: written, columns: all, rows, onRejected })
  const plain = (change: Change, key: Key): CrateRow => {
    const { version, after } = change
    const row: CrateRow = { key, version, isDeleted: false, elements: elementsOf(after!), patch: null }
    return keys.length === 0 ? keylessRow(row, written, change) : row
  }
  const whole = (change: Change, key: Key): CrateRow => {
    const row: CrateRow = { ...plain(change, key), change }
    if (leanElementsOf === undefined) return row
    const lean = (): CrateRow => ({ ...row, elements: leanElementsOf(change.after!) })
    return { ...row, lean: { row: lean, onWritten: onOutdated } }
  }
  const partial = (change: Change, key: Key, from: Key | null): CrateRow => ({
    ...plain(change, key),
    patch: { from, sets: Object.keys(change.after!).map(documentKey) },
  })
  const shape: RowShape<CrateRow> = {
    key: (change, key) => keyOf(table, keys, change, key),
    check: () => {},
    isWhole: ({ complete }) => complete,
    writesPatchesSeparately: true,
    row: whole,
    patch: ({ patches: [patch] }) => partial(patch!.change, patch!.key, null),
    move: ({ change, key, from }) => partial(change, key, from),
    tombstone: ({ version }, key) => ({ key, version, isDeleted: true, elements: [], patch: null }),
  }
  const statements: MirrorStatements<Database, CrateRow> = {
    upsert,
    insert: (rows) => upsert(oncePerRecord(rows)),
    deleteRows: upsert,
    applyPatches: (rows) => layOverRows(written, rows),
    applyMoves: (rows) => layOverMoved(written, rows),
  }
  return [shape, statements]
}

function keyOf(
  { source }: BoundTable,
  keys: readonly CrateKey[],
  change: Change,
  key: NonNullable<Change['key']>,
): Key {
  if (Object.keys(key).length !== keys.length) throw otherKey(source, keys, change)
  const tokens = keys.map(({ attribute, family, column, declared, encode }) => {
    const value = key[attribute]
    if (value === undefined || value === null || familyOf(value) !== family) throw otherKey(source, keys, change)
    const token = encode(value)
    if (token !== undefined) return token
    throw new RelayError('SINK_REFUSED', `Key column "${column}" of table ${source}, ${declared}, cannot hold the key`)
  })
  return fittingKey({ text: tokens.length === 1 ? tokens[0]! : tokens.join(','), tokens }, source)
}
