import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SetAsideColumn, Written } from '../../src/batch.ts'
import type { ReadyBatch } from '../../src/deliver/batch-builder.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { summaryOf, summaryText } from '../../src/observe/summary.ts'
import { batchOf, createTable, put } from '../support/changes.ts'

/** Of as many changes, a schema change among them, with what did not go to the sink. */
function cut(changes: number, parts: Partial<ReadyBatch> = {}): ReadyBatch {
  const all = [createTable({ id: 'text' }, 1), ...Array.from({ length: changes }, (_, i) => put(`${i}`, i))]
  return {
    ...batchOf({ changes: all.slice(0, changes) }),
    read: changes,
    bytes: 1,
    sinceMs: 0,
    skips: new Map(),
    pages: [],
    ...parts,
  }
}

const written = (parts: Partial<Written> = {}): Written => ({ kind: 'written', tables: new Map(), ...parts })

const orders = (applied: number, superseded: number): Written['tables'] =>
  new Map([['orders', { applied, superseded }]])

const LETTER = {
  kind: 'dead-letter',
  code: 'DECODE_NOT_JSON',
  detail: 'no',
  source: { format: 'unknown', stream: 'changes', shard: 'shard-0', sequence: '1' },
} as const

test('ledger: what is read is applied, superseded, skipped or dead-lettered, by the relay or by the target', () => {
  const ledger = new Ledger()
  ledger.wrote(
    cut(9, { read: 12, skips: new Map([['dms-bookkeeping', 2]]), deadLetters: [LETTER] }),
    written({ tables: orders(3, 1), skips: new Map([['no-such-column', 2]]), deadLettered: 3 }),
  )
  ledger.wrote(
    cut(3, { read: 4, skips: new Map([['dms-heartbeat', 1]]) }),
    written({
      tables: orders(1, 0),
      skips: new Map([
        ['dms-bookkeeping', 1],
        ['no-such-column', 1],
      ]),
    }),
  )
  const counts = ledger.counts()
  assert.deepEqual(counts, { read: 16, applied: 4, superseded: 1, skipped: 7, deadLettered: 4 })
  assert.equal(counts.read, counts.applied + counts.superseded + counts.skipped + counts.deadLettered)
  assert.deepEqual(
    ledger.skips,
    new Map([
      ['dms-bookkeeping', 3],
      ['no-such-column', 3],
      ['dms-heartbeat', 1],
    ]),
  )
})

test('summary: the reasons of the target stand beside those of the relay', () => {
  const ledger = new Ledger()
  ledger.wrote(
    cut(4, { read: 5, skips: new Map([['dms-bookkeeping', 1]]) }),
    written({ tables: orders(2, 0), skips: new Map([['no-such-column', 1]]), deadLettered: 1 }),
  )
  assert.deepEqual(summaryOf(ledger, 1_000), {
    read: 5,
    applied: 2,
    superseded: 0,
    skipped: 2,
    deadLettered: 1,
    textReplaced: 0,
    batches: 1,
    elapsedMs: 1_000,
    valuesSetAside: 0,
    skips: { 'dms-bookkeeping': 1, 'no-such-column': 1 },
    tables: { orders: { applied: 2, superseded: 0 } },
  })
  assert.match(
    summaryText(ledger, 1_000),
    /skipped +1 +dms-bookkeeping\n +skipped +1 +no-such-column\n +dead-lettered +1\n/,
  )
})

test('summary: records that were read as objects, by reason, and nothing where there are none', () => {
  const ledger = new Ledger()
  assert.equal('readAsObjects' in summaryOf(ledger, 1_000), false)
  for (const reason of ['set', 'layout', 'set']) ledger.readAsObjects(reason)
  assert.deepEqual(summaryOf(ledger, 1_000).readAsObjects, { set: 2, layout: 1 })
  assert.match(summaryText(ledger, 1_000), /^ {2}read as objects, at more cost: 2 set, 1 layout$/m)
})

test('summary: values set aside, by table and column; for people the columns with most of them first', () => {
  const ledger = new Ledger()
  const why: Omit<SetAsideColumn, 'count'> = {
    type: 'smallint',
    reason: 'smallint holds whole numbers',
    fix: 'Widen it',
  }
  const leftOut = Array.from({ length: 25 }, (_, i) => [`a${i}`, { ...why, type: null, count: 1 }] as const)
  ledger.wrote(
    cut(3),
    written({
      tables: orders(3, 0),
      setAside: new Map([['orders', new Map<string, SetAsideColumn>([...leftOut, ['qty', { ...why, count: 3000 }]])]]),
    }),
  )
  const { valuesSetAside, setAside } = summaryOf(ledger, 1_000)
  assert.equal(valuesSetAside, 3025)
  assert.deepEqual(setAside, { orders: { ...Object.fromEntries(leftOut.map(([name]) => [name, 1])), qty: 3000 } })
  const text = summaryText(ledger, 1_000)
  assert.match(
    text,
    /3,025 values that their columns cannot hold lie in cdc_extra\n +orders: 3,000 of column "qty", smallint\n/,
  )
  assert.match(text, /orders: 1 of column "a18"\n +orders: and of 6 other columns\n/)
})
