import type { StreamRecord } from '../test/support/life/life.ts'
import { type Random, seededRandom } from '../test/support/life/random.ts'

/**
 * A table `shop.orders` of ten columns, as a DMS task writes about it: one-line records with transaction details and
 * nulls, changes by primary key, before images of the key. `paid` and `tags` are what the option `--type` is for: DMS calls both text.
 */
export interface DmsOrdersOptions {
  /** The orders that are touched, one after the other: one that is not there is inserted, else updated or deleted. */
  readonly ids: Iterable<number>
  /** Share of the touches of an order that delete it. */
  readonly deletes: number
}

/** The types that `create-table` cannot tell, as `--type` takes them. */
export const ORDER_TYPES = ['shop.orders.paid=boolean', 'shop.orders.tags=json']

/** `drop-table` and `create-table` come first. */
export function* dmsOrders({ ids, deletes }: DmsOrdersOptions): Generator<StreamRecord> {
  yield control('drop-table', {})
  yield control('create-table', { 'table-def': TABLE })
  const random = seededRandom(1)
  const alive = new Set<number>()
  let ordinal = 0
  for (const id of ids) {
    const op = !alive.has(id) ? 'insert' : random.chance(deletes) ? 'delete' : 'update'
    if (op === 'insert') alive.add(id)
    if (op === 'delete') alive.delete(id)
    const data = op === 'delete' ? DELETED : orderColumns(random)
    const before = op === 'update' ? ',"before-image":{}' : ''
    yield {
      partitionKey: `shop.orders.${id}`,
      data: `{"data":{"id":${4_000_000 + id},${data}}${before},"metadata":${metadata(op, id, ++ordinal)}}\n`,
    }
  }
}

const TABLE = {
  columns: {
    id: { type: 'INT64', nullable: false },
    customer_id: { type: 'INT32', nullable: false },
    status: { type: 'STRING', length: 20, nullable: true },
    total: { type: 'DECIMAL', nullable: true },
    paid: { type: 'STRING', length: 5, nullable: true },
    weight: { type: 'DOUBLE', nullable: true },
    tags: { type: 'STRING', length: 32_768, nullable: true },
    placed_at: { type: 'TIMESTAMP', nullable: true },
    due: { type: 'DATE32', nullable: true },
    seal: { type: 'BINARY', nullable: true },
  },
  'primary-key': ['id'],
}

const DELETED =
  '"customer_id":null,"status":null,"total":null,"paid":null,"weight":null,"tags":null,' +
  '"placed_at":null,"due":null,"seal":null'

const STATES = ['open', 'packed', 'shipped', 'zurückgegeben']

function orderColumns(random: Random): string {
  const tags = JSON.stringify(`{"gift": ${random.chance(0.5)}, "lines": [${random.below(90)}, ${random.below(90)}.5]}`)
  const orNull = (token: string): string => (random.chance(0.1) ? 'null' : token)
  const twoDigits = (limit: number): string => String(1 + random.below(limit)).padStart(2, '0')
  const date = `2026-${twoDigits(12)}-${twoDigits(28)}`
  return (
    `"customer_id":${100_000 + random.below(50_000)},"status":"${random.pick(STATES)}",` +
    `"total":${orNull(`${random.below(9_000)}.${10 + random.below(89)}`)},"paid":"${random.chance(0.5)}",` +
    `"weight":${orNull(String(random.below(100_000) / 64))},"tags":${orNull(tags)},` +
    `"placed_at":"${date}T09:${twoDigits(59)}:11.${100_000 + random.below(899_999)}Z",` +
    `"due":${orNull(`"${date}"`)},"seal":${orNull(`"0x${random.hex(16).toLowerCase()}"`)}`
  )
}

/** Every change is a transaction of its own, a millisecond after the one before. */
function metadata(op: string, id: number, ordinal: number): string {
  const time = `${new Date(FIRST_MS + ordinal).toISOString().slice(0, -1)}993Z`
  const position = `0000000A/${(0x1c004330 + ordinal * 64).toString(16).toUpperCase().padStart(8, '0')}`
  return (
    `{"timestamp":"${time}","record-type":"data","operation":"${op}","partition-key-type":"primary-key",` +
    `"partition-key-value":"shop.orders.${id}","schema-name":"shop","table-name":"orders",` +
    `"transaction-id":${88_219 + ordinal},"transaction-record-id":1,"prev-transaction-id":${88_218 + ordinal},` +
    `"prev-transaction-record-id":1,"commit-timestamp":"${time}","stream-position":"${position}.2.${position}"}`
  )
}

const FIRST_MS = Date.UTC(2026, 10, 2, 8)

function control(operation: string, payload: object): StreamRecord {
  const metadata = {
    timestamp: new Date(FIRST_MS).toISOString().replace('Z', '000Z'),
    'record-type': 'control',
    operation,
    'partition-key-type': 'task-id',
    'schema-name': 'shop',
    'table-name': 'orders',
  }
  return {
    partitionKey: 'W2XGZJ5DAZ7CL6LQF2SBVB3KAY.shop.orders',
    data: `${JSON.stringify({ control: payload, metadata })}\n`,
  }
}
