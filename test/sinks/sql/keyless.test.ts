import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../../src/change.ts'
import { dmsDel, dmsPatch, dmsPut, dropTable, sourceTable } from '../../support/changes.ts'
import { totals } from '../conformance/answers.ts'
import { openRelay } from './test-relay.ts'

/** Tables without primary key: rows are added, and nothing else. */
const KNOWN = sourceTable({ id: 'int32', note: 'text' }, { key: [] })
const keyless = (change: Change): Change => ({ ...change, key: null })
const insert = (id: number, version: number): Change =>
  keyless(dmsPut(id, version, { data: { note: `at ${version}` } }))

for (const layout of ['columns', 'document'] as const) {
  for (const deletes of ['hard', 'soft'] as const) {
    test(`${layout}, deletes ${deletes}: rows are added, also equal ones; updates and deletes are dead letters`, async (t) => {
      const { database, knows, write } = await openRelay(t, { layout, deletes, onError: 'dead-letter' })
      knows(KNOWN)
      const load: Change = { ...insert(2, 1), op: 'load' }
      const written = await write(insert(1, 5), insert(1, 5), keyless(dmsPatch(1, 6)), load, keyless(dmsDel(1, 7)))
      assert.deepEqual([totals(written), written.deadLettered], [[3, 0], 2])
      await write(insert(1, 3))
      const id = layout === 'columns' ? 'id' : `data->>'id'`
      const found = await database.query(
        `SELECT ${id} AS id, cdc_version AS version FROM shop.orders${deletes === 'soft' ? '_live' : ''} ORDER BY 1, 2`,
      )
      assert.deepEqual(
        found.map(({ id, version }) => `${id}@${version}`),
        ['1@3', '1@5', '1@5', '2@1'],
      )
      const letters = await database.query<{ code: string; detail: string; version: string; op: string }>(
        `SELECT code, detail, version, change->>'op' AS op FROM cdc_relay.dead_letters ORDER BY id`,
      )
      assert.deepEqual(
        letters.map(({ code, version, op }) => `${code} ${op}@${version}`),
        ['SINK_REFUSED update@6', 'SINK_REFUSED delete@7'],
      )
      assert.match(letters[0]!.detail, /Table shop\.orders has no key, so its rows can only be added to/)
    })
  }
}

test('what is older than the floor is superseded; sweep removes what is older, and rows without version', async (t) => {
  const { database, knows, write } = await openRelay(t, { layout: null, onReload: 'sweep' })
  knows(KNOWN)
  await write(insert(1, 5), insert(2, 15))
  await database.query(`INSERT INTO shop.orders (id) VALUES (9)`)
  knows({ ...KNOWN, floor: '10' })
  assert.deepEqual(totals(await write(insert(3, 9), dropTable(10), insert(4, 10))), [2, 1])
  const found = await database.query<{ id: number }>('SELECT id FROM shop.orders ORDER BY id')
  assert.deepEqual(
    found.map(({ id }) => id),
    [2, 4],
  )
})
