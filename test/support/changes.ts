import { type Change, newRow, type Row, type TableName, type Value } from '../../src/change.ts'
import type { Positions } from '../../src/position.ts'
import type { Claim, RelayIdentity } from '../../src/state/store.ts'

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
    table: typeof table === 'string' ? { schema: null, name: table } : table,
    key,
    before,
    after,
    complete: true,
    version: `${version}`,
    time: new Date(Math.floor(version / 1000)).toISOString().replace('Z', '000Z'),
    source: { format: 'dynamodb', stream: 'changes', shard, sequence, eventId: `event-${version}` },
  }
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
