import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connect } from '../../../src/sinks/sql/connect.ts'
import { sqlStateStore } from '../../../src/sinks/sql/state-store.ts'
import type { StateStore } from '../../../src/state/store.ts'
import { withoutSettings } from '../../../src/state/stored.ts'
import { at, claimOf, progress, put } from '../../support/changes.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { pgliteTarget } from '../../support/targets/sql-target.ts'
import { testRelay } from '../conformance/test-relay.ts'

/** What a folder of PGlite holds when it was closed and is read again. Elsewhere tests keep it open. */

for (const layout of ['document', 'columns'] as const) {
  test(`pglite, ${layout}: rows, positions and facts are there when the folder is opened again`, async (t) => {
    const relay = await testRelay(t, () => pgliteTarget({ layout, deletes: 'hard' }))
    await relay.learn({ 'table shop.orders': '{"key":["id"]}' })
    await relay.write(put('a', 1), put('b', 1))
    const { positions, facts } = await relay.open()
    assert.deepEqual(positions, at({ 'shard-0': '2' }))
    assert.deepEqual(facts, new Map([['table shop.orders', '{"key":["id"]}']]))
    assert.deepEqual(await relay.write(put('a', 2), put('b', 0)), [1, 1])
    const rows = await relay.rows('orders')
    assert.deepEqual(rows.map(({ key, version }) => `${key.id}@${version}`).sort(), ['a@2', 'b@1'])
  })
}

test('pglite, append: records are there when the folder is opened again', async (t) => {
  const relay = await testRelay(t, () => pgliteTarget({ layout: 'document', deletes: 'hard' }), 'append')
  await relay.write(put('a', 1))
  await relay.open()
  await relay.write(put('b', 1))
  assert.equal((await relay.log('orders')).length, 2)
})

test('pglite: what a state store was given is there when the folder is opened again', async (t) => {
  const folder = await pgliteFolder()
  t.after(folder.empty)
  const facts = new Map([['table orders', '{"key":["id"]}']])
  const first = await store(t, folder.url)
  await first.claim(claimOf(), signal())
  assert.equal(await first.move(progress(at({ a: '5', b: '7' }), facts), signal()), null)
  await first.close()

  const next = await store(t, folder.url)
  assert.deepEqual(withoutSettings(await next.claim(claimOf(), signal())), { positions: at({ a: '5', b: '7' }), facts })
  assert.equal(await next.move(progress(at({ a: '6' })), signal()), null)
  await next.close()
  const last = await store(t, folder.url)
  assert.deepEqual(withoutSettings(await last.claim(claimOf(), signal())), { positions: at({ a: '6', b: '7' }), facts })
  await last.close()
})

async function store(t: TestContext, url: string): Promise<StateStore> {
  const one = sqlStateStore(await connect(url))
  t.after(() => one.close())
  return one
}

const signal = (): AbortSignal => AbortSignal.timeout(30_000)
