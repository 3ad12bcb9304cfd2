import { CrateError } from './failure.ts'
import type { QualifiedName, Query } from './syntax.ts'
import { columnsIn, type DataType } from './types.ts'
import type { Value } from './values.ts'

/** A row as it was written. `seqNo` counts the writes of its shard, deletes included. */
export interface StoredRow {
  readonly id: string
  readonly values: ReadonlyMap<string, Value>
  readonly seqNo: bigint
  readonly primaryTerm: bigint
}

export interface Column {
  readonly type: DataType
  readonly nullable: boolean
  /** False: texts of any length fit. */
  readonly indexed: boolean
}

export interface Shard {
  seqNo: bigint
  primaryTerm: bigint
}

export interface Table {
  readonly kind: 'table'
  readonly schema: string
  readonly name: string
  readonly columns: Map<string, Column>
  /** Paths: `pk['id']` is `['pk', 'id']`. Empty: every row has an id of its own. */
  readonly primaryKey: readonly (readonly string[])[]
  readonly shards: readonly Shard[]
  readonly settings: Map<string, Value>
  /** By id: what a look-up by the full primary key sees. */
  readonly live: Map<string, StoredRow>
  /** What a search sees: the rows as they were at the last refresh. */
  searchable: ReadonlyMap<string, StoredRow>
  /** Rows without a key are numbered. */
  ids: number
}

export interface View {
  readonly kind: 'view'
  readonly schema: string
  readonly name: string
  readonly query: Query
  readonly text: string
}

export interface Catalogue {
  readonly relations: Map<string, Table | View>
  /** Made by CREATE SCHEMA; all others come into being with their first table. */
  readonly schemas: Set<string>
}

export function newCatalogue(): Catalogue {
  return { relations: new Map(), schemas: new Set() }
}

export function nameKey(schema: string, name: string): string {
  return JSON.stringify([schema, name])
}

export function findRelation(catalogue: Catalogue, name: QualifiedName, schema: string): Table | View | undefined {
  return catalogue.relations.get(nameKey(name.schema ?? schema, name.name))
}

/** @throws CrateError 42P01 */
export function relationNamed(catalogue: Catalogue, name: QualifiedName, schema: string): Table | View {
  const found = findRelation(catalogue, name, schema)
  if (found !== undefined) return found
  const shown = name.schema === null ? name.name : `${name.schema}.${name.name}`
  throw new CrateError(`Relation '${shown}' unknown`, '42P01')
}

/** @throws CrateError 42P01, or what CrateDB says of a view */
export function tableNamed(catalogue: Catalogue, name: QualifiedName, schema: string, operation: string): Table {
  const relation = relationNamed(catalogue, name, schema)
  if (relation.kind === 'table') return relation
  throw new CrateError(
    `The relation "${relation.schema}.${relation.name}" doesn't support or allow ${operation} operations`,
  )
}

export function countColumns(table: Table): number {
  return [...table.columns.values()].reduce((sum, column) => sum + columnsIn(column.type), 0)
}

export function refreshTable(table: Table): void {
  table.searchable = new Map(table.live)
}

/** By the key's text, so that the rows of one key always lie together. */
export function shardOf(table: Table, id: string): Shard {
  let hash = 0
  for (let at = 0; at < id.length; at++) hash = (hash * 31 + id.charCodeAt(at)) | 0
  return table.shards[Math.abs(hash) % table.shards.length]!
}

export function storeRow(table: Table, id: string, values: ReadonlyMap<string, Value>): StoredRow {
  const shard = shardOf(table, id)
  const row: StoredRow = { id, values, seqNo: shard.seqNo++, primaryTerm: shard.primaryTerm }
  table.live.set(id, row)
  return row
}

export function removeRow(table: Table, id: string): void {
  shardOf(table, id).seqNo++
  table.live.delete(id)
}

/** As when the primaries of all shards move and their last writes are replayed: new tokens, the same rows. */
export function movePrimaries(table: Table): void {
  for (const shard of table.shards) shard.primaryTerm++
  for (const row of table.live.values()) storeRow(table, row.id, row.values)
}
