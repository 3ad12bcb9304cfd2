import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Change } from '../../../src/change.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import { dmsDel, dmsMove, dmsPatch, dmsPut, dropTable, sourceTable } from '../../support/changes.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { rejection, totals } from '../conformance/answers.ts'
import { openRelay } from './test-relay.ts'

/** A table that was dropped and is loaded again: its floor, and what becomes of the rows from before. */
const KNOWN = sourceTable({ id: 'int32', note: 'text' })
const FLOOR_10 = { ...KNOWN, floor: '10' }
const layouts = ['columns', 'document'] as const

for (const layout of layouts) {
  test(`${layout}: below the floor no row is written, and deletes still take theirs away`, async (t) => {
    const { database, knows, write } = await openFilled(t, { layout })
    knows(FLOOR_10)
    await write(dropTable(10))
    const late: readonly [Change, [number, number]][] = [
      [dmsPut(9, 9), [0, 1]],
      [dmsPut(1, 9), [0, 1]],
      [dmsPatch(1, 9), [0, 1]],
      [dmsDel(2, 9), [1, 0]],
      [dmsDel(3, 1), [0, 1]],
      [dmsPut(4, 10), [1, 0]],
    ]
    for (const [change, counts] of late) assert.deepEqual(totals(await write(change)), counts, JSON.stringify(change))
    assert.deepEqual(await rows(database), ['1@5', '3@5', '4@10', '7@null'])
    // A delete and what is older than it, in one batch.
    await write(dmsPut(5, 12), dmsDel(5, 13), dmsPut(5, 9))
    await write(dmsPut(5, 11))
    assert.deepEqual(await rows(database), ['1@5', '3@5', '4@10', '7@null'])
  })

  for (const complete of [true, false]) {
    test(`${layout}: a ${complete ? 'whole' : 'partial'} move below the floor only leaves its old key`, async (t) => {
      const { database, knows, write } = await openFilled(t, { layout })
      knows(FLOOR_10)
      const moves = [
        dmsMove({ id: 1 }, { id: 8 }, 9),
        dmsMove({ id: 3 }, { id: 2 }, 4),
        dmsMove({ id: 7 }, { id: 6 }, 11),
      ]
      assert.deepEqual(totals(await write(...moves.map((move) => ({ ...move, complete })))), [1, 2])
      assert.deepEqual(await rows(database), ['2@5', '3@5', '6@11'])
    })
  }

  for (const deletes of ['hard', 'soft'] as const) {
    test(`${layout}, deletes ${deletes}: --on-reload sweep removes what is older than the floor, and no more`, async (t) => {
      const { database, knows, write } = await openFilled(t, { layout, deletes, onReload: 'sweep' })
      await write(dmsPut(20, 20), dmsDel(21, 21), dmsDel(2, 6))
      // The floor alone sweeps nothing: it is the drop-table that does.
      knows(FLOOR_10)
      await write(dmsPut(22, 22))
      assert.equal((await rows(database, deletes)).length, 5)
      assert.deepEqual(totals(await write(dmsPut(1, 12), dropTable(10), dmsPut(2, 9))), [2, 1])
      assert.deepEqual(await rows(database, deletes), ['1@12', '20@20', '22@22'])
      assert.deepEqual(totals(await write(dmsPut(21, 11), dmsPut(2, 11))), [1, 1])
      assert.deepEqual(await rows(database, deletes), ['1@12', '2@11', '20@20', '22@22'])
    })
  }
}

test('--on-reload keep keeps all rows; a repeated drop-table sweeps nothing that was loaded since', async (t) => {
  const { database, knows, write, restart } = await openFilled(t, { layout: null })
  knows(FLOOR_10)
  await write(dropTable(10))
  assert.equal((await rows(database)).length, 4)
  await restart({ onReload: 'sweep' })
  await write(dmsPut(1, 10), dmsPut(2, 11))
  await write(dropTable(10))
  assert.deepEqual(await rows(database), ['1@10', '2@11'])
  // An older drop-table, late: the floor stays what it is.
  await write(dropTable(3))
  assert.deepEqual(await rows(database), ['1@10', '2@11'])
})

test('a reload is the first that a relay hears of a table after its start: the rows from before go', async (t) => {
  const { database, knows, write, restart } = await openFilled(t, { layout: null, onReload: 'sweep' })
  await restart()
  knows(FLOOR_10)
  await write(dropTable(10))
  assert.deepEqual(await rows(database), [])
})

test('the rows go in the transaction of the batch: if it fails before COMMIT, all are there', async (t) => {
  const { database, knows, write } = await openFilled(t, { layout: null, onReload: 'sweep' })
  await database.query(`
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF EXISTS (SELECT FROM shop.orders WHERE id = 1) THEN RETURN NEW; END IF;
      RAISE EXCEPTION 'the server goes down' USING ERRCODE = '57P01'; END $$;
    CREATE TRIGGER fail BEFORE UPDATE ON cdc_relay.positions FOR EACH ROW EXECUTE FUNCTION fail()`)
  knows(FLOOR_10)
  await rejection(write(dropTable(10), dmsPut(2, 12)), 'SINK_UNREACHABLE')
  assert.deepEqual(await rows(database), ['1@5', '2@5', '3@5', '7@null'])
  await database.query('DROP TRIGGER fail ON cdc_relay.positions')
  await write(dropTable(10), dmsPut(2, 12))
  assert.deepEqual(await rows(database), ['2@12'])
})

/** `shop.orders` with three rows at version 5, and one that nobody knows the version of. */
async function openFilled(t: TestContext, options: Partial<SqlSinkOptions>) {
  const relay = await openRelay(t, options)
  relay.knows(KNOWN)
  await relay.write(...[1, 2, 3].map((id) => dmsPut(id, 5, { data: { note: 'first' } })))
  await relay.database.query('INSERT INTO shop.orders (id) VALUES (7)')
  return relay
}

async function rows({ query }: TestDatabase, deletes: 'hard' | 'soft' = 'hard'): Promise<string[]> {
  const found = await query(
    `SELECT id, cdc_version AS version FROM shop.orders${deletes === 'soft' ? '_live' : ''} ORDER BY id::int`,
  )
  return found.map(({ id, version }) => `${id}@${version}`)
}
