import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { DeadLetter } from '../../../src/change.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import { at, batchOf, claimOf, del, put } from '../../support/changes.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { sqlSinkOf } from '../../support/targets/sql-target.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)
const DAY_MS = 86_400_000

test('tombstones go once they are older than the retention and a day', async (t) => {
  const left = await leftAfter(t, { retentionMs: DAY_MS })
  assert.deepEqual(left, ['1 day', '1 day 23:00:00'])
})

test('a source that keeps everything: a day', async (t) => {
  assert.deepEqual(await leftAfter(t, { retentionMs: null }), [])
})

test('--tombstone-ttl keeps them longer, never shorter', async (t) => {
  assert.deepEqual((await leftAfter(t, { tombstoneTtlMs: 30 * DAY_MS })).length, 4)
  assert.deepEqual(await leftAfter(t, { tombstoneTtlMs: 1 }), ['1 day', '1 day 23:00:00'])
})

const open: readonly { title: string; letter: Partial<DeadLetter>; left: number }[] = [
  { title: 'of the table', letter: { change: put('x', 1) }, left: 3 },
  { title: 'of an unknown table', letter: { raw: new Uint8Array([1]) }, left: 3 },
  { title: 'of another table', letter: { change: put('x', 1, { table: 'others' }) }, left: 2 },
]
for (const { title, letter, left } of open) {
  test(`while a dead letter ${title} is open, what was remembered when it was recorded stays`, async (t) => {
    const found = await leftAfter(t, { retentionMs: DAY_MS }, letter)
    assert.equal(found.length, left, found.join(', '))
  })
}

/** Four tombstones of different ages, a dead letter of five days if one is given, then one more batch: what is left? */
async function leftAfter(
  t: TestContext,
  options: Partial<SqlSinkOptions>,
  letter?: Partial<DeadLetter>,
): Promise<string[]> {
  const { url, query } = await testDatabase(t)
  const ages = ['1 day', '1 day 23 hours', '6 days', '8 days']
  const source = { format: 'dynamodb', stream: 'changes', shard: 'shard', sequence: '1' } as const
  const deadLetters: DeadLetter[] =
    letter === undefined ? [] : [{ kind: 'dead-letter', code: 'SINK_REFUSED', detail: 'no', source, ...letter }]

  const first = sqlSinkOf({ url, retentionMs: 30 * DAY_MS, ...options })
  await first.open(claimOf(), signal())
  await first.prepare(batchOf({ changes: ages.map((age) => del(age, 1)), deadLetters, positions: at({ shard: '1' }) }))(
    signal(),
  )
  await first.close()
  const [{ table }] = (await query(
    `SELECT 'cdc_relay.' || tablename AS table FROM pg_tables WHERE tablename LIKE 'tombstones_orders%'`,
  )) as [{ table: string }]
  await query(`UPDATE ${table} SET removed_at = now() - id::interval`)
  await query(`UPDATE cdc_relay.dead_letters SET recorded_at = now() - interval '5 days'`)

  const second = sqlSinkOf({ url, ...options })
  await second.open(claimOf(), signal())
  await second.prepare(batchOf({ changes: [put('other', 1)], positions: at({ shard: '2' }) }))(signal())
  await second.close()
  return (await query<{ age: string }>(`SELECT id::interval::text AS age FROM ${table} ORDER BY id::interval`)).map(
    ({ age }) => age,
  )
}
