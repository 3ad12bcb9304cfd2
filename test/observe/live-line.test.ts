import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Lag } from '../../src/observe/lag.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { fitted, type Part, progressParts } from '../../src/observe/progress.ts'
import type { Trouble } from '../../src/observe/troubles.ts'
import { anySeed } from '../support/life/random.ts'

const DAY = Date.parse('2026-01-01T00:00:00Z')

function lineOf(columns: number, change: (ledger: Ledger) => void, troubles: readonly Trouble[] = []): string {
  const ledger = new Ledger()
  change(ledger)
  return fitted(progressParts({ ledger, lag: new Lag(), troubles: { now: () => troubles } }, 1234.4, DAY), columns)
}

test('the live line says rate, lag and counts; of a calm relay no more', () => {
  const line = lineOf(200, (ledger) => ledger.tables.set('a', { applied: 4_000_000, superseded: 7 }))
  assert.equal(line, '1,234/s · lag none · applied 4,000,000 · superseded 7 · dead-lettered 0')
})

test('what is wrong comes first: what is tried again, and what is parked', () => {
  const away: Trouble = { code: 'SINK_UNREACHABLE', what: 'write the batch', sinceMs: DAY - 65_000 }
  const park = (ledger: Ledger): void => {
    ledger.parked('shop.orders', null, 3)
    ledger.deadLettered = 3
  }
  assert.equal(
    lineOf(200, park, [away]),
    'SINK_UNREACHABLE: trying to write the batch for 1m · PARKED shop.orders · 1,234/s · lag none · applied 0 · superseded 0 · dead-lettered 3',
  )
  assert.equal(
    lineOf(90, (ledger) => {
      park(ledger)
      ledger.parked('shop.items', null, 1)
    }),
    'PARKED 2 tables · 1,234/s · lag none · applied 0 · superseded 0 · dead-lettered 3',
  )
})

test('what matters least has no room first', () => {
  const some = (ledger: Ledger): void => void ledger.tables.set('a', { applied: 12, superseded: 7 })
  assert.equal(lineOf(60, some), '1,234/s · lag none · applied 12 · superseded 7')
  assert.equal(lineOf(40, some), '1,234/s · lag none · applied 12')
  assert.equal(lineOf(12, some), 'lag none')
  assert.equal(lineOf(6, some), 'lag …')
})

test('whatever it says, it fits', () => {
  const seed = anySeed()
  const part = fc.record({ text: fc.string({ minLength: 1, maxLength: 40 }), rank: fc.nat(7) })
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 9 }), fc.integer({ min: 2, max: 200 }), (parts, columns) => {
      const line = fitted(parts, columns)
      assert.ok(line.length < columns, `${line.length} of ${columns}`)
      const best = Math.min(...parts.map(({ rank }: Part) => rank))
      const first = parts.find(({ rank }) => rank === best)!.text
      assert.ok(line.includes(first.slice(0, Math.max(0, columns - 2))), line)
    }),
    { seed },
  )
})
