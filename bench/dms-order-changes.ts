import type { SourceTable } from '../src/batch.ts'
import type { Change } from '../src/change.ts'
import { columnType, declaredTypes } from '../src/commands/table-options.ts'
import { recordDecoder } from '../src/decode/decoder.ts'
import { SourceTables } from '../src/feeds/dms/source-tables.ts'
import { SILENT } from '../src/observe/log.ts'
import { dmsOrders, ORDER_TYPES } from './dms-orders.ts'

/** What `--type` says of them. */
export const ORDER_COLUMN_TYPES = declaredTypes(ORDER_TYPES.map((text) => columnType.parse(text)))

/**
 * Changes as the examiner hands them on: with their keys, and updates not complete, since the stream has shown nulls. Every
 * key is written twice: half of the rows are inserted, half are updated.
 */
export function dmsOrderChanges(count: number): {
  changes: Change[]
  tables: ReadonlyMap<string, SourceTable>
  recordBytes: number
} {
  const decode = recordDecoder({
    format: 'auto',
    stream: 'orders',
    binary: 'double',
    beforeImageField: 'before-image',
  })
  const known = new SourceTables({
    declaredKey: () => undefined,
    declaredTypes: ORDER_COLUMN_TYPES,
    missingColumns: 'auto',
    needsKeys: true,
    keyWaitMs: 0,
    askTarget: async () => null,
    log: SILENT,
  })
  const changes: Change[] = []
  let [ordinal, bytes] = [0, 0]
  const ids = Array.from({ length: count }, (_, i) => (i * 7919) % (count / 2))
  for (const { data: text } of dmsOrders({ ids, deletes: 0 })) {
    const data = Buffer.from(text)
    const record = { shard: 'shardId-000000000000', sequence: String(++ordinal), arrivedAt: null, data }
    for (const item of decode(record)) {
      const passed = item.kind === 'skip' ? item : known.complete(item)
      if (passed.kind === 'change') changes.push(passed)
    }
    bytes += data.byteLength
  }
  return { changes, tables: known.take().tables, recordBytes: Math.round(bytes / ordinal) }
}
