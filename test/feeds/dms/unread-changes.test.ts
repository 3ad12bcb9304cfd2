import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, type RawRecord, toJson } from '../../../src/change.ts'
import { recordDecoder } from '../../../src/decode/decoder.ts'
import type { MissingColumnsPolicy } from '../../../src/feeds/dms/missing-columns.ts'
import { SourceTables } from '../../../src/feeds/dms/source-tables.ts'
import { mutatedDmsRecords } from '../../decode/mutated-dms.ts'
import { createTable } from '../../support/changes.ts'
import { anySeed } from '../../support/life/random.ts'

const asObjects = recordDecoder({ stream: 'feed', format: 'dms' })
const asBytes = recordDecoder({ stream: 'feed', format: 'dms', takesJson: () => true })

function tablesOf(missingColumns: MissingColumnsPolicy): {
  readonly tables: SourceTables
  readonly warnings: string[]
} {
  const warnings: string[] = []
  const warn = (fields: object, message: string): void => void warnings.push(JSON.stringify([fields, message]))
  const tables = new SourceTables({
    declaredKey: () => ['id'],
    declaredTypes: () => new Map(),
    missingColumns,
    needsKeys: true,
    keyWaitMs: 1000,
    askTarget: async () => assert.fail('nobody is to be asked'),
    log: { debug: () => {}, info: () => {}, warn, error: () => {} },
  })
  return { tables, warnings }
}

/** What becomes of the change. */
function outcome({ tables }: ReturnType<typeof tablesOf>, decode: typeof asBytes, record: RawRecord): unknown {
  let change: Change
  try {
    const [item] = decode(record)
    if (item!.kind !== 'change') return item!.kind
    change = tables.complete(item as Change) as Change
  } catch (error) {
    return String(error)
  }
  const { op, key, before, after, complete, version, time, transaction, source } = change
  return [op, toJson(key), toJson(before), toJson(after), complete, version, time, transaction, source]
}

const STREAMS = [
  ...(['auto', 'null', 'keep'] as const).map((policy) => ({ policy, sendsNulls: true })),
  // Then a missing column means NULL, and large values are those of the before image.
  { policy: 'auto', sendsNulls: false },
] as const

for (const { policy, sendsNulls } of STREAMS) {
  const stream = `missing columns ${policy}, ${sendsNulls ? 'with' : 'without'} nulls`
  test(`what is known of a table adds the same to a change that is read as to one that is not: ${stream}`, () => {
    const seed = anySeed()
    const [read, unread] = [tablesOf(policy), tablesOf(policy)]
    const definition = createTable({ id: 'int64', status: 'text', note: 'text' }, 1)
    for (const { tables } of [read, unread]) tables.complete(definition)
    let changes = 0
    for (const data of mutatedDmsRecords(seed, sendsNulls ? 4000 : 12_000)) {
      if (!sendsNulls && /null|""/.test(Buffer.from(data).toString())) continue
      const record = { shard: 'shardId-000000000000', sequence: '4960', arrivedAt: 1_754_300_000_500, data }
      const theirs = outcome(read, asObjects, record)
      if (Array.isArray(theirs)) changes++
      assert.deepEqual(outcome(unread, asBytes, record), theirs, `seed ${seed}: ${Buffer.from(data).toString()}`)
      assert.deepEqual(unread.warnings, read.warnings, `seed ${seed}`)
      assert.deepEqual(unread.tables.take(), read.tables.take(), `seed ${seed}`)
    }
    assert.ok(changes > 1000, `seed ${seed}: ${changes} changes`)
  })
}
