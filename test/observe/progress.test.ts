import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lag } from '../../src/observe/lag.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { logEntries } from '../../src/observe/progress.ts'
import { listening } from './said.ts'

const DAY = Date.parse('2026-01-01T00:00:00Z')

function scene() {
  const { log, said } = listening()
  const ledger = new Ledger()
  const lag = new Lag()
  return { said, ledger, lag, tick: logEntries(log, ledger, lag, 0) }
}

const page = (sequence: string, arrivedAt: number, behindMs = 0) => ({
  shard: 'a',
  records: [],
  end: { sequence, arrivedAt, caughtUpAt: null },
  behindMs,
  committed() {},
})

test('the first entry has a rate; without news there is none', () => {
  const { said, ledger, tick } = scene()
  ledger.readCount = 600
  tick(30_000, DAY)
  tick(60_000, DAY)
  assert.deepEqual(
    said.map(({ fields, message }) => [message, fields.read, fields.perSecond]),
    [['progress', 600, 20]],
  )
})

test('an idle relay says every five minutes that it is alive, and how far it is', () => {
  const { said, ledger, lag, tick } = scene()
  lag.begins(new Map([['a', { sequence: '1', arrivedAt: DAY - 5000, caughtUpAt: null }]]))
  lag.read(page('1', DAY - 5000))
  lag.wrote({ positions: new Map([['a', { sequence: '1', arrivedAt: DAY - 5000, caughtUpAt: null }]]) })
  // That a shard is caught up is remembered in batches of its own: no news.
  for (let nowMs = 30_000; nowMs <= 900_000; nowMs += 30_000, ledger.batches++) tick(nowMs, DAY + nowMs)
  assert.equal(said.length, 3)
  const [{ level, fields, message }] = said as [(typeof said)[0]]
  assert.deepEqual([level, fields.lagMs, fields.shards, fields.upTo], ['info', 0, 1, '2025-12-31T23:59:55.000Z'])
  assert.match(message, /^idle/)
})

test('a relay that is not idle but gets nothing written says that', () => {
  const { said, lag, tick } = scene()
  lag.read(page('1', DAY - 5000))
  for (let nowMs = 30_000; nowMs <= 300_000; nowMs += 30_000) tick(nowMs, DAY + nowMs)
  assert.deepEqual(
    said.map(({ level, fields }) => [level, fields.lagMs]),
    [['warn', 305_000]],
  )
})
