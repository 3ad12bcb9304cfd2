import { sql } from 'kysely'
import { toJson } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Relation } from './catalogue.ts'
import { columnList, tableId } from './clauses.ts'
import {
  deferrableKeys,
  keyColumns,
  missingUnique,
  NEW_KEY_TYPES,
  unfilledColumns,
  wrongColumns,
  wrongForeignKeys,
  wrongKeys,
  wrongKind,
  wrongUniques,
} from './fit.ts'
import { familyOf, keyTexts, keyToken, type TypedKey } from './keys.ts'
import type { BoundTable, Layout, Misfit, Occasion, Wanted } from './layout.ts'
import { liveView } from './live-view.ts'
import { type MirrorStatements, planMirror, type RowShape } from './mirror.ts'
import { keyColumnName } from './names.ts'
import { DATA, DELETED, VERSION } from './own-columns.ts'
import { tombstones } from './tombstones.ts'

/** The mirror in the layout `document`: key columns, the whole row as JSON in `data`, its version in `cdc_version`. */
export function documentMirror<To>(
  deletes: 'hard' | 'soft',
  statementsOf: (table: BoundTable, relation: Relation) => MirrorStatements<To>,
): Layout<To> {
  const own = deletes === 'soft' ? [{ ...DATA, mayBeNotNull: false }, VERSION, DELETED] : [DATA, VERSION]

  return {
    name: 'document',
    wanted,

    create(target, { keys }) {
      const columns = [
        ...keys.map(({ column, family }) => sql`${sql.id(column)} ${NEW_KEY_TYPES[family!]} NOT NULL`),
        sql`data jsonb`,
        sql`cdc_version bigint`,
        ...(deletes === 'soft' ? [sql`cdc_deleted boolean NOT NULL DEFAULT false`] : []),
        ...(keys.length > 0 ? [sql`PRIMARY KEY (${columnList(keys)})`] : []),
      ]
      // Room in each page lets an update stay beside the row that it replaces, without touching the index.
      return [sql`CREATE TABLE ${tableId(target)} (${sql.join(columns)}) WITH (fillfactor = 85)`]
    },

    additions: () => ({ own: [], optional: [], columns: [] }),

    misfits(target, { keys }, relation) {
      const kind = wrongKind(target, relation)
      if (kind.length > 0) return kind
      const written = new Set([...keys.map(({ column }) => column), ...own.map(({ name }) => name)])
      return [
        ...wrongKeys(target, keys, relation),
        ...wrongColumns(target, own, relation),
        ...(deletes === 'hard' ? softDeleted(relation) : []),
        ...missingUnique(target, keys, relation),
        ...deferrableKeys(target, keys, relation),
        ...wrongUniques(target, keys, written, relation),
        ...wrongForeignKeys(relation),
        ...unfilledColumns(target, written, relation),
      ]
    },

    bind(target, { keys }, relation, known) {
      const columns = keyColumns(keys, relation)
      const hasTombstones = deletes === 'hard' && columns.length > 0
      const table: BoundTable = { ...target, keys: columns, known, hasTombstones }
      const shape = documentShape(table, columns)
      const statements = statementsOf(table, relation)
      return { ...table, plan: (changes) => planMirror(table, shape, statements, changes) }
    },

    beside(table) {
      if (deletes === 'soft')
        return liveView(table, [...table.keys.map(({ column }) => column), DATA.name, VERSION.name])
      return table.hasTombstones ? tombstones(table) : null
    },
  }
}

function wanted({ known, changes }: Occasion): Wanted | null {
  const sample = changes[0]
  if (known?.key?.length === 0) return { keys: [], columns: [] }
  if (sample === undefined) return null
  const { table, key } = sample
  const attributes = known?.key ?? Object.keys(key ?? {}).sort()
  if (key === null || attributes.length === 0) {
    throw new RelayError('SINK_TABLE', `No key is known for table ${table.name}, and a mirror needs one`)
  }
  const keys = attributes.map((attribute) => {
    const family = familyOf(key[attribute])
    if (family === undefined) {
      const detail = `The key attribute "${attribute}" of ${table.name} is no text, number or binary`
      throw new RelayError('SINK_TABLE', detail)
    }
    return { attribute, column: keyColumnName(attribute), family }
  })
  return { keys, columns: [] }
}

/** Rows that an earlier mirror with soft deletes marked would look alive, or stay marked for ever. */
export function softDeleted({ columns }: Relation): Misfit[] {
  if (!columns.some(({ name }) => name === DELETED.name)) return []
  return [
    { what: 'column "cdc_deleted" shows that it was mirrored with --deletes soft: run with that again', cure: null },
  ]
}

function documentShape(table: BoundTable, keys: readonly TypedKey[]): RowShape {
  const textOf = keyTexts(table.source, keys)
  return {
    key: (change, key) => ({ text: textOf(change, key), tokens: keys.map((column) => keyToken(column, key)) }),
    check: () => {},
    isWhole: ({ complete }) => complete,
    // What an attribute held in between, nobody knows: each is laid over what the one before it left.
    patchesStandAlone: true,
    row: (change) => `,"d":${toJson(change.after)}`,
    patch: ({ patches }) => `,"d":${toJson(patches[0]!.detail.change.after)}`,
  }
}
