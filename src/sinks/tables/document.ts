import { sql } from 'kysely'
import { type Change, type JsonSpan, type Row, toJson } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { beginRow, deletedRow, endMovedRow, endRow } from './json-row.ts'
import { familyOf, keyTexts, keyToken, type TypedKey } from './keys.ts'
import type { Evidence, Layout } from './layout.ts'
import type { Key, RowShape } from './mirror.ts'
import { softDeleted, unfilledColumns, wrongColumns, wrongForeignKeys, wrongKeys, wrongKind } from './mismatches.ts'
import type { OwnColumn } from './own-columns.ts'
import type { ColumnNames, DocumentTable, TableDialect } from './style.ts'
import type { DesiredTable } from './target.ts'

/** The mirror in the layout `document`: key columns, the whole row as JSON in `data`, its version in `cdc_version`. */
export function documentMirror<To>(dialect: TableDialect<To>): Layout<To> {
  const { deletes, names } = dialect
  const { data, version, deleted } = dialect.own
  const isSoft = deletes === 'soft'
  // A deleted row stays, without its data.
  const own = isSoft ? [{ ...data, mayBeNotNull: false }, version, deleted] : [data, version]

  return {
    desired: (evidence) => desiredDocument(evidence, names),

    create(target, { keys }) {
      const typed = keys.map(({ column, family }) => ({
        name: column,
        definition: sql`${sql.raw(dialect.newKeyType(family!))} NOT NULL`,
      }))
      return dialect.create(target, [...typed, ...own], keys)
    },

    additions(target, _desired, relation) {
      const has = ({ name }: OwnColumn): boolean => relation.columns.some((column) => column.name === name)
      // One that was mirrored with hard deletes until now.
      const isMirror = wrongKind(target, relation).length === 0 && has(data) && has(version)
      return { own: isSoft && isMirror && !has(deleted) ? [deleted] : [], optional: [], columns: [] }
    },

    mismatches(target, { keys }, relation) {
      const kind = wrongKind(target, relation)
      if (kind.length > 0) return kind
      const written = new Set([...keys.map(({ column }) => column), ...own.map(({ name }) => name)])
      return [
        ...wrongKeys(target, keys, relation, dialect),
        ...wrongColumns(target, own, relation, dialect),
        ...(isSoft ? [] : softDeleted(target, keys, relation, dialect)),
        ...dialect.uniqueness(target, keys, written, relation),
        ...wrongForeignKeys(relation),
        ...unfilledColumns(target, written, relation, dialect),
      ]
    },

    bind(target, { keys }, relation, known) {
      const columns = keys.map((key) => {
        const column = relation.columns.find(({ name }) => name === key.column)!
        const bound = dialect.keyColumn({ ...key, family: key.family! }, column)
        if (typeof bound === 'string') throw new TypeError(`a mismatch was overlooked: ${bound}`)
        return bound
      })
      const table: DocumentTable = { ...target, keys: columns, known, hasTombstones: !isSoft && columns.length > 0 }
      return { ...table, plan: dialect.document(table, relation) }
    },

    companion: (table) =>
      dialect.companion(table, [...table.keys.map(({ column }) => column), data.name, version.name]),
  }
}

/** What a table of documents needs. @throws RelayError SINK_TABLE if the source table has no usable key */
export function desiredDocument({ known, changes }: Evidence, names: ColumnNames): DesiredTable | null {
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
    return { attribute, column: names.key(attribute), family }
  })
  return { keys, columns: [] }
}

/** Its tokens are made when a row is written, and most changes of a busy key write none. */
class DocumentKey implements Key {
  readonly text: string
  readonly #columns: readonly TypedKey[]
  readonly #key: Row

  constructor(text: string, columns: readonly TypedKey[], key: Row) {
    this.text = text
    this.#columns = columns
    this.#key = key
  }

  get tokens(): readonly string[] {
    const columns = this.#columns
    // The text of a number is its token.
    if (columns.length === 1 && columns[0]!.family === 'number') return [this.text]
    return columns.map((column) => keyToken(column, this.#key))
  }
}

/** Rows of a recordset. Beside key and version: d the row as JSON, x true for a deleted row that stays. */
export function documentShape(table: DocumentTable): RowShape<JsonSpan> {
  const { keys } = table
  const textOf = keyTexts(table.source, keys)
  const begin = (change: Change, key: Key): void => {
    const row = beginRow(key, change.version).text(',"d":')
    const { afterJson } = change
    if (afterJson == null) row.text(toJson(change.after))
    else row.span(afterJson.bytes, afterJson.start, afterJson.end)
  }
  return {
    key: (change, key) => new DocumentKey(textOf(change, key), keys, key),
    check: () => {},
    isWhole: ({ complete }) => complete,
    // The values between two images are unknown: each image is merged into what the one before it left.
    writesPatchesSeparately: true,
    row(change, key) {
      begin(change, key)
      return endRow()
    },
    patch({ patches }) {
      const { change, key } = patches[0]!
      begin(change, key)
      return endRow()
    },
    move({ change, key, from }) {
      begin(change, key)
      return endMovedRow(from)
    },
    tombstone: ({ version }, key) => deletedRow(key, version, !table.hasTombstones),
  }
}
