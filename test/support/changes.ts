import type { Batch, Claim, Facts, Progress, RelayIdentity, SourceTable, Unclaimed } from '../../src/batch.ts'
import {
  type Change,
  type ChangeSource,
  type ColumnDefinition,
  type ColumnType,
  newRow,
  type Row,
  type SchemaChange,
  type TableName,
  tableLabel,
  type Value,
} from '../../src/change.ts'
import type { Positions } from '../../src/position.ts'

/** Attributes of a row, in an object that takes any name. */
export function row(attributes: Readonly<Record<string, Value>>): Row {
  return Object.assign(newRow(), attributes)
}

export interface ChangeParts {
  readonly op?: Change['op']
  readonly table?: TableName | string
  readonly key?: Readonly<Record<string, Value>>
  /** Beside the key. */
  readonly data?: Readonly<Record<string, Value>>
  readonly before?: Row | null
  readonly shard?: string
  readonly sequence?: string
}

/** A row of `orders` is written: `put('a', 5)` is the row `id` a at version 5. */
export function put(id: Value, version: number, parts: ChangeParts = {}): Change {
  const key = row(parts.key ?? { id })
  const data = parts.data ?? { at: version }
  return change({ op: 'insert', ...parts }, key, row({ ...key, ...data }), version)
}

export function del(id: Value, version: number, parts: ChangeParts = {}): Change {
  return change({ ...parts, op: 'delete' }, row(parts.key ?? { id }), null, version)
}

function change(parts: ChangeParts, key: Row, after: Row | null, version: number): Change {
  const { op = 'insert', table = 'orders', before = null, shard = 'shard-0', sequence = `${version}` } = parts
  return {
    kind: 'change',
    op,
    table: tableName(table),
    key,
    before,
    after,
    complete: true,
    version: `${version}`,
    time: new Date(Math.floor(version / 1000)).toISOString().replace('Z', '000Z'),
    source: { format: 'dynamodb', stream: 'changes', shard, sequence, eventId: `event-${version}` },
  }
}

const tableName = (table: TableName | string): TableName =>
  typeof table === 'string' ? { schema: null, name: table } : table

/** Where DMS changes are read, unless told otherwise. */
export const SHOP_ORDERS: TableName = { schema: 'shop', name: 'orders' }

/** A whole row of DMS: an insert, or what `parts.op` says. Its key is told, as it is once a change goes to a sink. */
export function dmsPut(id: Value, version: number, parts: ChangeParts = {}): Change {
  return ofDms(put(id, version, { table: SHOP_ORDERS, ...parts }))
}

/** An update that carries the key and `parts.data`; other columns keep their value. */
export function dmsPatch(id: Value, version: number, parts: ChangeParts = {}): Change {
  return { ...dmsPut(id, version, { ...parts, op: 'update' }), complete: false }
}

/** A row gets another key. Whole; `{ ...dmsMove(…), complete: false }` keeps the columns that it does not carry. */
export function dmsMove(
  from: Readonly<Record<string, Value>>,
  to: Readonly<Record<string, Value>>,
  version: number,
  parts: Omit<ChangeParts, 'key'> = {},
): Change {
  const moved = dmsPut(null, version, { before: row(from), ...parts, op: 'update', key: to })
  return { ...moved, key: row(from) }
}

/** A delete tells the old values that it was sent with: those of the key, and `parts.data`. */
export function dmsDel(id: Value, version: number, parts: ChangeParts = {}): Change {
  const before = row({ ...(parts.key ?? { id }), ...parts.data })
  return ofDms(del(id, version, { table: SHOP_ORDERS, before, ...parts }))
}

const ofDms = (change: Change): Change => ({ ...change, source: dmsSource(change.source) })

const dmsSource = ({ shard, sequence }: Pick<ChangeSource, 'shard' | 'sequence'>): ChangeSource => ({
  format: 'dms',
  stream: 'changes',
  shard,
  sequence,
})

/** Column → what it holds, in the order of the table. */
export type Columns = Readonly<Record<string, ColumnType>>

export interface SchemaParts extends Pick<ChangeParts, 'table' | 'shard' | 'sequence'> {
  readonly key?: readonly string[]
}

export function createTable(columns: Columns, version: number, parts: SchemaParts = {}): SchemaChange {
  const { key = ['id'] } = parts
  return schemaChange('create-table', version, parts, { columns: definitions(columns, key), primaryKey: key })
}

export function dropTable(version: number, parts: SchemaParts = {}): SchemaChange {
  return schemaChange('drop-table', version, parts)
}

/** Without `columns`, as when the source does not say which column it is. */
export function addColumn(columns: Columns | null, version: number, parts: SchemaParts = {}): SchemaChange {
  return schemaChange('add-column', version, parts, columns === null ? {} : { columns: definitions(columns, []) })
}

const definitions = (columns: Columns, key: readonly string[]): ColumnDefinition[] =>
  Object.entries(columns).map(([name, type]) => ({ name, type, nullable: !key.includes(name) }))

function schemaChange(
  op: SchemaChange['op'],
  version: number,
  { table = SHOP_ORDERS, shard = 'shard-0', sequence = `${version}` }: SchemaParts,
  told: Pick<SchemaChange, 'columns' | 'primaryKey'> = {},
): SchemaChange {
  const source = dmsSource({ shard, sequence })
  return { kind: 'schema', op, table: tableName(table), ...told, version: `${version}`, payload: null, source }
}

/** What is known of tables, as a batch has it. */
export function knownTables(...tables: readonly SourceTable[]): ReadonlyMap<string, SourceTable> {
  return new Map(tables.map((table) => [tableLabel(table.name), table]))
}

/** `shop.orders` with the key `id`, unless told otherwise. */
export function sourceTable(columns: Columns, parts: Partial<Omit<SourceTable, 'columns'>> = {}): SourceTable {
  return {
    name: SHOP_ORDERS,
    key: ['id'],
    values: 'textual',
    floor: null,
    ...parts,
    columns: new Map(Object.entries(columns)),
  }
}

/** A batch with what a test says of it, and nothing else. */
export function batchOf(parts: Partial<Batch>): Batch {
  return { changes: [], tables: new Map(), deadLetters: [], ...progress(), ...parts }
}

/** What moves with a batch. */
export function progress(
  positions: Positions = new Map(),
  facts: Facts = new Map(),
  forgotten: readonly string[] = [],
): Progress {
  return { positions, forgotten, facts }
}

export function claimOf(relay: Partial<RelayIdentity> = {}, parts: Partial<Claim> = {}): Claim {
  return {
    relay: {
      name: 'relay',
      stream: { id: 'arn:aws:kinesis:eu-north-1:111122223333:stream/changes', created: '2026-01-01', retentionMs: 0 },
      start: null,
      settings: { mode: 'mirror' },
      ...relay,
    },
    firstPositions: async () => new Map(),
    takeOver: false,
    ...parts,
  }
}

/** As `claimOf`, for a name that nobody claims. Facts of these tests are `{"version":…}`; those of tables may have a floor. */
export function unclaimedOf(relay: Partial<RelayIdentity> = {}, parts: Partial<Unclaimed> = {}): Unclaimed {
  const versionOf = (fact: string): number => (JSON.parse(fact) as { version: number }).version
  return {
    positions: 'engine',
    relay: claimOf(relay).relay,
    takeOver: false,
    factRules: {
      merge: (_, one, other) => (versionOf(other) > versionOf(one) ? other : one),
      floors: (facts) =>
        new Map(
          [...facts].flatMap(([subject, fact]) => {
            const { floor = null } = JSON.parse(fact) as { floor?: string | null }
            return floor === null ? [] : [[subject.replace(/^table /, ''), floor] as const]
          }),
        ),
    },
    ...parts,
  }
}

/** Shard → sequence number → positions. */
export function at(sequences: Readonly<Record<string, string>>): Positions {
  return new Map(
    Object.entries(sequences).map(([shard, sequence]) => [shard, { sequence, arrivedAt: 1_000, caughtUpAt: null }]),
  )
}

/** JSON text in one spelling: members in order of their names, every number with the digits it has. */
export function canonicalJson(text: string): string {
  const reviver = (_: string, value: unknown, context?: { source: string }): unknown =>
    typeof value === 'number' ? new NumberToken(context!.source) : value
  return written(JSON.parse(text, reviver as (key: string, value: unknown) => unknown))
}

class NumberToken {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

function written(value: unknown): string {
  if (value instanceof NumberToken) return value.text
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${written(member)}`).join(',')}}`
}
