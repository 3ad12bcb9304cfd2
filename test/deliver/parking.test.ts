import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { tableLabel } from '../../src/change.ts'
import type { ReadyBatch } from '../../src/deliver/batch-builder.ts'
import { Parking, type ParkingOptions } from '../../src/deliver/parking.ts'
import { RelayError } from '../../src/errors.ts'
import { batchOf, createTable, put } from '../support/changes.ts'

const LIMIT = { count: 3, bytes: 10_000 }

/** A parking whose letters are counted here, and whose clock stands unless it is moved. */
function parkingOf(t: TestContext, options: Partial<ParkingOptions> = {}) {
  const letters = new Map<string, number>()
  const place = { letters, nowMs: 0, said: [] as string[] }
  const parking = new Parking({
    limit: LIMIT,
    countLetters: async () => new Map(letters),
    observer: {
      parked: (table, trouble) => void place.said.push(`${table} parked: ${trouble?.code}`),
      unparked: (table) => void place.said.push(`${table} goes on`),
    },
    onMended: async () => void place.said.push('tables are learned again'),
    nowMs: () => place.nowMs,
    ...options,
  })
  t.after(() => parking.close())
  /** A batch becomes durable. */
  const write = (...ids: string[]): ReadyBatch => {
    const batch = parking.apart(batchWith(ids))
    for (const { code, change } of batch.deadLetters) {
      const table = tableLabel(change!.table)
      if (code === 'TABLE_PARKED') letters.set(table, (letters.get(table) ?? 0) + 1)
    }
    parking.kept(batch)
    return batch
  }
  return { ...place, place, parking, write }
}

function batchWith(ids: readonly string[]): ReadyBatch {
  const changes = ids.map((id, n) => put(id, n + 1))
  return { ...batchOf({ changes }), read: changes.length, bytes: 1, sinceMs: 0, skips: new Map(), pages: [] }
}

const trouble = (code: 'SINK_TABLE' | 'KEY_UNKNOWN' | 'SINK_BUSY', table = tableLabel(put('a', 1).table)): RelayError =>
  new RelayError(code, 'as it is', { table })

test('a table is parked for what is its own, once; nothing else is', (t) => {
  const { parking, said } = parkingOf(t)
  assert.equal(parking.park(new RelayError('SINK_TABLE', 'of no table')), false)
  assert.equal(parking.park(trouble('SINK_BUSY')), false)
  assert.equal(parking.park(new Error('of nobody')), false)
  assert.equal(parking.park(trouble('SINK_TABLE')), true)
  // It was left out of the batch, and the batch failed for it again.
  assert.equal(parking.park(trouble('SINK_TABLE')), false)
  assert.deepEqual(said, ['orders parked: SINK_TABLE'])
})

test('its changes are dead letters in their order, others stay', (t) => {
  const { parking } = parkingOf(t)
  const batch = batchWith(['a', 'b'])
  assert.equal(parking.apart(batch), batch)
  parking.park(trouble('SINK_TABLE', 'users'))
  assert.equal(parking.apart(batch), batch)
  parking.park(trouble('SINK_TABLE'))
  const apart = parking.apart(batch)
  assert.deepEqual(apart.changes, [])
  assert.deepEqual(
    apart.deadLetters.map(({ code, change }) => [code, change]),
    batch.changes.map((change) => ['TABLE_PARKED', change]),
  )
})

test('its changes of schema are skipped: what follows from them is known', (t) => {
  const { parking } = parkingOf(t)
  const announced = createTable({ id: 'int32' }, 1, { table: 'orders' })
  parking.park(trouble('SINK_TABLE', tableLabel(announced.table)))
  const apart = parking.apart({ ...batchWith([]), changes: [announced] })
  assert.deepEqual([apart.changes, apart.deadLetters], [[], []])
  assert.deepEqual([...apart.skips], [['schema-of-parked-table', 1]])
})

test('an old image that cannot be read is left out of the letter', (t) => {
  const { parking } = parkingOf(t)
  parking.park(trouble('SINK_TABLE'))
  const change = put('a', 1)
  const unreadable = Object.defineProperty({ ...change }, 'before', {
    get: () => {
      throw new RelayError('DECODE_VALUE', 'a value of an unknown kind')
    },
  })
  const [letter] = parking.apart({ ...batchWith([]), changes: [unreadable] }).deadLetters
  assert.equal(letter!.change!.before, null)
  assert.deepEqual(letter!.change!.after, change.after)
})

test('it goes on once its letters are gone, and not before it had any', async (t) => {
  const { parking, letters, said, write } = parkingOf(t)
  parking.park(trouble('KEY_UNKNOWN'))
  await parking.look()
  assert.equal(parking.tables.size, 1)
  write('a')
  await parking.look()
  assert.equal(parking.tables.size, 1)
  letters.clear()
  await parking.look()
  assert.equal(parking.tables.size, 0)
  assert.deepEqual(said.slice(1), ['tables are learned again', 'orders goes on'])
  assert.equal(write('b').changes.length, 1)
})

test('letters of a busy table that came since they were written again are written between two batches', async (t) => {
  const written: string[] = []
  const { parking, letters, write } = parkingOf(t, {
    writeAgain: async (table) => {
      written.push(table)
      letters.delete(table)
      return true
    },
  })
  parking.park(trouble('SINK_TABLE'))
  write('a', 'b', 'c')
  await parking.look()
  assert.deepEqual([written, parking.tables.size], [[], 1])
  // Somebody writes them again.
  letters.set('orders', 1)
  await parking.look()
  assert.deepEqual([written, parking.tables.size], [['orders'], 0])
})

test('more than the limit ends the relay behind the batch', (t) => {
  const { parking, write } = parkingOf(t)
  parking.park(trouble('SINK_TABLE'))
  write('a', 'b', 'c')
  assert.throws(
    () => write('d'),
    /PARK_LIMIT: 4 changes of table orders are kept by now\. It was parked for SINK_TABLE/,
  )
})

test('tables that an earlier run parked are tried first, and parked if that does not help', async (t) => {
  const tried: string[] = []
  const { parking, letters, said } = parkingOf(t, {
    writeAgain: async (table) => {
      tried.push(table)
      if (table === 'mended') letters.delete(table)
      return table === 'mended'
    },
  })
  letters.set('mended', 2).set('orders', 3).set('many', 30_000)
  await parking.load()
  assert.deepEqual(tried, ['mended', 'orders'])
  assert.deepEqual(said, ['orders parked: undefined', 'many parked: undefined'])
  assert.equal(parking.tables.get('orders')!.count, 3)
})
