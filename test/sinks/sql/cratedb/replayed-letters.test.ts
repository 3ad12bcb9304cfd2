import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replayLetters } from '../../../../src/replay.ts'
import { at, batchOf, claimOf, put } from '../../../support/changes.ts'
import { onStandInOnly, testCrate } from '../../../support/crate/real-crate.ts'
import { sqlSinkOf } from '../../../support/targets/sql-target.ts'
import { refused } from '../../letters/conformance.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)
const skip = onStandInOnly('faults are made in the stand-in')

/** Statements of a replay after which its connection is lost. */
const LOST = [
  ['the rows are sent', 'before', /INSERT INTO "doc"\."orders"/],
  ['the rows are written', 'after', /INSERT INTO "doc"\."orders"/],
  ['letters are let go', 'before', /DELETE FROM "cdc_relay"\."dead_letters"/],
  ['the first letter is let go', 'after', /DELETE FROM "cdc_relay"\."dead_letters"/],
] as const

for (const mode of ['mirror', 'append'] as const) {
  for (const [moment, when, matching] of LOST) {
    test(`${mode}: a connection that is lost when ${moment} leaves each letter one row`, { skip }, async (t) => {
      const crate = await testCrate()
      t.after(() => crate.stop())
      const options = { url: crate.url, mode, deletes: 'soft', onError: 'dead-letter' } as const
      const relay = sqlSinkOf(options)
      await relay.open(claimOf({ settings: { mode } }), signal())
      const letters = [1, 2, 3].map((n) => refused(put(`${n}`, n)))
      const batch = batchOf({ changes: [put('first', 9)], deadLetters: letters, positions: at({ 'shard-0': '1' }) })
      await relay.prepare(batch)(signal())
      await relay.close()

      crate.faults.next({ kind: 'drop', when }, { matching })
      const sink = sqlSinkOf(options)
      let failures = 0
      const observer = { failed: () => void failures++ }
      const counts = await replayLetters({ name: 'relay', settings: { mode }, sink, observer }, signal())
      await sink.close()
      assert.equal(failures, 1)
      assert.equal(counts.read, counts.applied + counts.superseded + counts.gone)
      crate.query('REFRESH TABLE "doc"."orders", "cdc_relay"."dead_letters"')
      assert.equal(crate.query('SELECT * FROM "doc"."orders"').length, 4)
      assert.deepEqual(crate.query('SELECT * FROM "cdc_relay"."dead_letters"'), [])
    })
  }
}
