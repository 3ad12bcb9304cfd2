import type { Column, Row, TypeName } from './columns.ts'

/** What an update carries: the whole row; all but unchanged large objects; or only what changed, as Oracle does. */
export type Images = 'whole' | 'unsent-lobs' | 'changed-columns'

export type PartitionType = 'primary-key' | 'schema-table'

export interface SourceTable {
  readonly schema: string
  readonly name: string
  /** As they are in the beginning. */
  readonly columns: readonly Column[]
  /** Empty for a table without a primary key. */
  readonly key: readonly string[]
  readonly images: Images
  /** The partition keys that an object mapping asks for, the same for load and changes; null leaves it to DMS. */
  readonly mapped: PartitionType | null
  /** What `ALTER TABLE … ADD COLUMN` brings one day. */
  readonly added: Column
  /** The integer column that is a `bigint` one day; null: none. */
  readonly widened: string | null
  /** The key of row number `index`. */
  keyAt(index: number): Row
}

const column = (name: string, type: TypeName, nullable = true): Column => ({ name, type, nullable })

/** Neighbours that a double cannot tell apart, and plain ones. */
const bigKey = (index: number): string =>
  index % 3 === 0 ? String(index + 1) : String(900_719_925_474_099_200n + BigInt(index))

/** One column of each type; load and changes go where DMS puts them by default. */
const orders: SourceTable = {
  schema: 'shop',
  name: 'orders',
  columns: [
    column('id', 'bigint', false),
    column('status', 'integer', false),
    column('customer', 'varchar'),
    column('total', 'numeric'),
    column('weight', 'double'),
    column('points', 'bigint'),
    column('paid', 'boolean'),
    column('tags', 'jsonb'),
    column('note', 'text'),
    column('seal', 'bytea'),
    column('due', 'date'),
    column('placed_at', 'timestamp'),
  ],
  key: ['id'],
  images: 'whole',
  mapped: null,
  added: column('coupon', 'varchar'),
  widened: 'status',
  keyAt: (index) => new Map([['id', bigKey(index)]]),
}

/** A composite key, of which a move often changes one part. */
const items: SourceTable = {
  schema: 'shop',
  name: 'order_items',
  columns: [
    column('order_id', 'bigint', false),
    column('sku', 'varchar'),
    column('line_no', 'integer', false),
    column('quantity', 'integer'),
    column('price', 'numeric'),
  ],
  key: ['order_id', 'line_no'],
  images: 'whole',
  mapped: null,
  added: column('gift', 'boolean'),
  widened: 'quantity',
  keyAt: (index) =>
    new Map([
      ['order_id', bigKey(Math.floor(index / 4))],
      ['line_no', String(index % 4)],
    ]),
}

/** Names that are a trap. */
const odd: SourceTable = {
  schema: 'shop',
  name: 'Odd. "Names"',
  columns: [
    column('the Key.', 'varchar', false),
    column('data', 'text'),
    column('metadata', 'jsonb'),
    column('__proto__', 'numeric'),
    column('constructor', 'timestamp'),
    column('a.b "c"', 'varchar'),
  ],
  key: ['the Key.'],
  images: 'whole',
  mapped: null,
  added: column('before-image', 'varchar'),
  widened: null,
  keyAt: (index) => new Map([['the Key.', index % 4 === 1 ? `O'Neil "Æ" \\ ${index}` : `k.${index}`]]),
}

/** Large objects come only when they changed; load and changes are mapped to one partition key. */
const documents: SourceTable = {
  schema: 'shop',
  name: 'documents',
  columns: [
    column('name', 'varchar', false),
    column('title', 'varchar'),
    column('body', 'text'),
    column('facts', 'jsonb'),
    column('scan', 'bytea'),
    column('read_at', 'timestamp'),
  ],
  key: ['name'],
  images: 'unsent-lobs',
  mapped: 'schema-table',
  added: column('summary', 'text'),
  widened: null,
  keyAt: (index) => new Map([['name', `doc-${index}`]]),
}

/** Only what changed comes; load and changes of a row are mapped to one partition key. */
const stock: SourceTable = {
  schema: 'shop',
  name: 'stock',
  columns: [
    column('shelf', 'integer', false),
    column('sku', 'varchar'),
    column('amount', 'numeric'),
    column('counted', 'date'),
    column('checked', 'boolean'),
    column('remark', 'varchar'),
  ],
  key: ['shelf'],
  images: 'changed-columns',
  mapped: 'primary-key',
  added: column('minimum', 'integer'),
  widened: null,
  keyAt: (index) => new Map([['shelf', String(index - 3)]]),
}

/** No primary key: DMS sends loads and inserts only, and leaves the column `trail` out of everything, since it is a large object. */
const visits: SourceTable = {
  schema: 'shop',
  name: 'visits',
  columns: [column('who', 'varchar'), column('at', 'timestamp', false), column('trail', 'text')],
  key: [],
  images: 'whole',
  mapped: 'schema-table',
  added: column('unused', 'varchar'),
  widened: null,
  keyAt: () => new Map(),
}

export const SOURCE_TABLES: readonly SourceTable[] = [orders, items, odd, documents, stock, visits]

export const labelOf = ({ schema, name }: SourceTable): string => `${schema}.${name}`

export const hasKey = (table: SourceTable): boolean => table.key.length > 0
