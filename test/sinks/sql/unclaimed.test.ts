import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf, claimOf, put, unclaimedOf } from '../../support/changes.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { sqlSinkOf } from '../../support/targets/sql-target.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

for (const mode of ['mirror', 'append'] as const) {
  test(`${mode}: two processes under an engine write the same records, each is there once, and a relay does not get the name`, async (t) => {
    const database = await testDatabase(t)
    const [one, two] = [sqlSinkOf({ url: database.url, mode }), sqlSinkOf({ url: database.url, mode })]
    t.after(() => one.close())
    t.after(() => two.close())
    for (const sink of [one, two]) await sink.open(unclaimedOf({ settings: { mode } }), signal())
    const batch = batchOf({
      changes: [put('a', 1), put('b', 1, { sequence: '7' })],
      facts: new Map([['x', '{"version":1}']]),
    })
    await Promise.all([one.prepare(batch)(signal()), two.prepare(batch)(signal())])
    await one.prepare(batch)(signal())
    assert.deepEqual(await database.query('SELECT count(*)::int FROM orders'), [{ count: 2 }])
    assert.deepEqual([...(await two.readFacts!())], [['x', '{"version":1}']])
    const relay = sqlSinkOf({ url: database.url, mode })
    t.after(() => relay.close())
    await assert.rejects(relay.open(claimOf({ settings: { mode } }), signal()), {
      code: 'CONFIGURATION',
      message: /--take-over/,
    })
  })
}
