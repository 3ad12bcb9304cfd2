import { sql } from 'kysely'
import { type ColumnType, tableLabel } from '../../../../change.ts'
import { RelayError } from '../../../../errors.ts'
import { definitionsOf, tableId } from '../../../tables/clauses.ts'
import type { Codec } from '../../../tables/codecs/codec.ts'
import type { AddedColumn, Mismatch, NewTable } from '../../../tables/layout.ts'
import { liveView } from '../../../tables/live-view.ts'
import type { KeyStyle, TableStyle } from '../../../tables/style.ts'
import type { DesiredKey, KeyColumn, KeyFamily, Mapping, Target } from '../../../tables/target.ts'
import { hasMembers } from '../documents/sub-columns.ts'
import { codecFor } from './codecs.ts'
import type { CrateColumn } from './column.ts'
import { keyedCopy } from './keyed-copy.ts'
import { hasOrigin, ORIGIN } from './keyless.ts'
import { keyColumnName, liveViewName, valueColumnName } from './names.ts'
import { DATA, DELETED, EXTRA, VERSION } from './own-columns.ts'
import { type CrateRelation, type CrateRelationColumn, primaryKeyOf } from './relation.ts'
import { MOST_COLUMNS, newColumnType } from './types.ts'

/** A key column in the layout `document`. */
export type CrateKey = KeyColumn & Codec & { readonly family: KeyFamily }

/**
 * How CrateDB names, types and makes tables. It can add columns, and nothing else: no type, key or NOT NULL is ever
 * changed, so the only fix for them is another table. Deleted rows stay, marked: nothing else is one step.
 */
export const crateStyle: TableStyle<CrateRelation> & KeyStyle<CrateKey, CrateRelationColumn> = {
  deletes: 'soft',
  names: { key: keyColumnName, column: valueColumnName },
  own: { data: DATA, version: VERSION, deleted: DELETED, extra: EXTRA },
  mostColumns: MOST_COLUMNS,

  // A number of any size as text: exact, and two of them are one only if they are equal.
  newKeyType: () => 'TEXT',
  newColumnType,
  codecFor,

  keyColumn: (key, column) => crateKey(key, column, column.type),

  // Shards and replicas are left to the server's defaults, which know the cluster.
  create(target, columns, keys) {
    for (const { what } of tooManyKeys(keys)) {
      const detail = `Table ${tableLabel(target)} is not made: ${what}`
      throw new RelayError('SINK_TABLE', detail, { table: target.source })
    }
    const parts = keys.length === 0 ? [{ name: ORIGIN, definition: sql`TEXT NOT NULL` }, ...columns] : columns
    return createTable(target, parts, keys.length === 0 ? [ORIGIN] : keys.map(({ column }) => column))
  },

  retype: () => null,
  widen: () => null,
  dropNotNull: () => null,
  dropGenerated: () => null,

  uniqueness: (target, keys, _written, relation) => [
    ...tooManyKeys(keys),
    ...wrongPrimaryKey(
      target,
      keys.map(({ column }) => column),
      relation,
    ),
    ...wrongObject(EXTRA.name, relation),
    ...requiredMembers(relation),
  ],

  companion: (table, shown) => liveView(table, liveViewName(table.name), shown, IS_ALIVE),
}

/** Of no other columns than these. */
export function createTable(target: Target, columns: readonly AddedColumn[], keys: readonly string[]): NewTable {
  const key = sql`PRIMARY KEY (${sql.join(keys.map((name) => sql.id(name)))})`
  const statement = sql`CREATE TABLE IF NOT EXISTS ${tableId(target)} (${sql.join([...definitionsOf(columns), key])}) WITH (column_policy = 'strict')`
  return { columns, keys, statements: [statement] }
}

/** CrateDB has no IS NOT TRUE. */
const IS_ALIVE = sql`"cdc_deleted" IS NULL OR "cdc_deleted" = FALSE`

/** The column as a part of a key of the layout `document`; or in words why it cannot be one. @param declared its type */
export function crateKey(
  key: DesiredKey & { readonly family: KeyFamily },
  column: CrateColumn,
  declared: string,
): CrateKey | string {
  const codec = codecFor(column, 'typed', FAMILY_TYPES[key.family])
  if (!codec.isKeyable || !KEY_TYPES[key.family].has(column.dataType)) {
    return `which does not compare as the ${key.family} of the source does`
  }
  return { ...key, ...codec, declared, collation: null }
}

const FAMILY_TYPES: Readonly<Record<KeyFamily, ColumnType>> = { text: 'text', number: 'numeric', bytes: 'bytes' }

/** Types that take two keys for one exactly if the source does. */
const KEY_TYPES: Readonly<Record<KeyFamily, ReadonlySet<string>>> = {
  text: new Set(['text', 'character varying', 'uuid']),
  number: new Set(['text', 'character varying', 'smallint', 'integer', 'bigint', 'numeric']),
  bytes: new Set(['text', 'character varying']),
}

/**
 * Of a key of c columns CrateDB tries 2^c combinations before it looks one row up, twice that for each of `_seq_no` and
 * `_primary_term`, and from 10,000 on it searches instead, and sees rows only as they were at the last refresh.
 */
const MOST_KEY_COLUMNS = 11

export function tooManyKeys(keys: readonly Mapping[]): Mismatch[] {
  if (keys.length <= MOST_KEY_COLUMNS) return []
  const what = `its key has ${keys.length} columns, and CrateDB looks rows up by ${MOST_KEY_COLUMNS} at most: write with --mode append, or name fewer that tell its rows apart with --key`
  return [{ what, fix: null }]
}

/** ON CONFLICT goes by the primary key and nothing else. */
function wrongPrimaryKey(target: Target, keys: readonly string[], relation: CrateRelation): Mismatch[] {
  const primary = primaryKeyOf(relation)
  if (keys.length === 0) {
    if (primary === null || hasOrigin(relation)) return []
    const what = `its primary key (${primary.join(', ')}) can refuse rows of a source that has no key`
    return [{ what, fix: null }]
  }
  if (primary !== null && primary.length === keys.length && keys.every((key) => primary.includes(key))) return []
  const is = primary === null ? 'it has no primary key' : `its primary key is (${primary.join(', ')})`
  const what = `${is}, where (${keys.join(', ')}) is needed, and CrateDB cannot change it: move the rows to a table that has it`
  return [{ what, fix: keyedCopy(target, keys, relation) }]
}

/** What an OBJECT of another policy would make of its members. */
export function wrongObject(name: string, { columns }: CrateRelation): Mismatch[] {
  const column = columns.find((column) => column.name === name)
  if (column?.dataType !== 'object') return []
  if (column.policy === 'ignored' && hasMembers(column.object)) {
    const what = `column "${name}" declares members, which CrateDB would make values of their types, and must be a bare OBJECT(IGNORED): it holds values of any type`
    return [{ what, fix: null }]
  }
  if (column.policy === 'ignored') return []
  const what = `column "${name}" is OBJECT(${column.policy ?? 'DYNAMIC'}), and must be OBJECT(IGNORED): it holds values of any type`
  return [{ what, fix: null }]
}

/** A row without the object lacks them, too: a deleted one, or any that says nothing of it. */
export function requiredMembers(relation: CrateRelation): Mismatch[] {
  const keys = primaryKeyOf(relation) ?? []
  return relation.members
    .filter(({ name, isRequired }) => isRequired && !keys.includes(name))
    .map(({ name }) => ({ what: `${name} is NOT NULL, and the relay leaves it empty`, fix: null }))
}
