import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../src/change.ts'
import { route } from '../../src/stages/route.ts'
import { dropTable, put } from '../support/changes.ts'

const SKIPS: {
  title: string
  change: Partial<Change>
  options: Partial<Parameters<typeof route>[0]>
  reason: string | null
}[] = [
  { title: 'a table that is not included', change: {}, options: { include: ['other'] }, reason: 'table-not-wanted' },
  { title: 'an included table', change: {}, options: { include: ['other', 'ord*'] }, reason: null },
  {
    title: 'exclude wins over include',
    change: {},
    options: { include: ['*'], exclude: ['orders'] },
    reason: 'table-not-wanted',
  },
  { title: 'a delete', change: { op: 'delete' }, options: {}, reason: null },
  {
    title: 'a delete under --deletes ignore',
    change: { op: 'delete' },
    options: { ignoreDeletes: true },
    reason: 'delete-ignored',
  },
  { title: 'an expiry', change: { op: 'delete', expired: true }, options: {}, reason: null },
  {
    title: 'an expiry under --expired keep',
    change: { op: 'delete', expired: true },
    options: { expired: 'keep' },
    reason: 'expired-kept',
  },
  {
    title: 'a delete by a user under --expired keep',
    change: { op: 'delete' },
    options: { expired: 'keep' },
    reason: null,
  },
]

for (const { title, change, options, reason } of SKIPS) {
  test(`${title} ${reason === null ? 'passes' : `is skipped as ${reason}`}`, () => {
    const { admit } = route({ include: [], exclude: [], ignoreDeletes: false, expired: 'delete', ...options })
    const item = { ...INSERT, ...change }
    assert.deepEqual(admit(item), reason && { kind: 'skip', reason, source: item.source })
  })
}

test('schema changes of a table that is not wanted are skipped, of others pass, whatever is done with deletes', () => {
  const { admit } = route({ include: [], exclude: ['shop.*'], ignoreDeletes: true, expired: 'keep' })
  const dropped = dropTable(5)
  assert.deepEqual(admit(dropped), { kind: 'skip', reason: 'table-not-wanted', source: dropped.source })
  const other = dropTable(5, { table: { schema: 'harbour', name: 'berths' } })
  assert.equal(admit(other), null)
})

const INSERT = put('k', 1)
