import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { RelayError } from '../../../../../src/errors.ts'
import { openCrate } from '../../../../../src/sinks/sql/cratedb/connection.ts'
import { crateState } from '../../../../../src/sinks/sql/cratedb/state/state.ts'
import { claimOf, progress } from '../../../../support/changes.ts'
import { copyTables } from '../../../../support/crate/copy-tables.ts'
import { startCrate } from '../../../../support/crate/crate.ts'

const MOVES = new Map([['shard-0', { sequence: '7', arrivedAt: null, caughtUpAt: null }]])
const AT_8 = new Map([['shard-0', { sequence: '8', arrivedAt: null, caughtUpAt: null }]])
const OTHER = new Map([['shard-1', { sequence: '1', arrivedAt: null, caughtUpAt: null }]])
const CONFLICT = 'version conflict, required seqNo [1], primary term [1]'

test('a version conflict that is said as an error is no loop and no end: the row is read, and tried again later', async (t) => {
  const crate = await startCrate()
  t.after(crate.stop)
  const connection = openCrate(crate.url)
  t.after(connection.close)
  const state = crateState(connection, null)
  const { signal } = new AbortController()
  await state.claim(claimOf(), signal)
  crate.faults.next({ kind: 'error', when: 'before', text: CONFLICT }, { matching: /UPDATE/ })
  const isBusy = (error: unknown) => error instanceof RelayError && error.code === 'SINK_BUSY'
  await assert.rejects(state.moveWithin(connection.db, progress(MOVES)), isBusy)
  assert.equal(await state.moveWithin(connection.db, progress(MOVES)), true)

  // Written, and said to be in conflict all the same: the row is further than we knew, which `settle` finds.
  crate.faults.next({ kind: 'error', when: 'after', text: CONFLICT }, { matching: /UPDATE/ })
  assert.equal(await state.moveWithin(connection.db, progress(MOVES)), false)
  assert.equal(await state.settle(progress(MOVES), signal), null)

  // The same, and then another move: it is added to the one whose answer was lost.
  crate.faults.next({ kind: 'error', when: 'after', text: CONFLICT }, { matching: /UPDATE/ })
  assert.equal(await state.moveWithin(connection.db, progress(AT_8)), false)
  assert.equal(await state.settle(progress(OTHER), signal), null)
  assert.deepEqual(state.stored().positions, new Map([...AT_8, ...OTHER]))
  await state.close()
})

test('a heartbeat that is late across a restore does not hide that the target stands at older positions', async (t) => {
  const crate = await startCrate()
  t.after(crate.stop)
  const connection = openCrate(crate.url)
  t.after(connection.close)
  const state = crateState(connection, null, 10)
  const { signal } = new AbortController()
  await state.claim(claimOf(), signal)
  assert.equal(await state.moveWithin(connection.db, progress(MOVES)), true)
  const restore = copyTables(crate, 'cdc_relay')

  const beat = /SET "heartbeat" =/
  const [restored, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const untilHeld = async (count: number): Promise<void> => {
    while (crate.faults.happened.get('held') !== count) await sleep(5)
  }
  // It finds other tokens than it knew, reads the row, which is at the revision that it knew, and writes. The next one would
  // write, too, and waits.
  crate.faults.next({ kind: 'held', until: restored.promise }, { matching: beat })
  crate.faults.next({ kind: 'held', until: over.promise }, { matching: beat, skip: 1 })
  await untilHeld(1)
  assert.equal(await state.moveWithin(connection.db, progress(AT_8)), true)
  await restore()
  restored.resolve()
  await untilHeld(2)

  assert.equal(await state.moveWithin(connection.db, progress(OTHER)), false)
  assert.deepEqual((await state.settle(progress(OTHER), signal))?.positions, MOVES)
  over.resolve()
  await state.close()
})
