import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { SILENT } from '../../../../src/observe/log.ts'
import { connect } from '../../../../src/sinks/sql/connect.ts'
import { sqlStateStore } from '../../../../src/sinks/sql/state-store.ts'
import { withoutSettings } from '../../../../src/state/stored.ts'
import { at, claimOf, del, dmsPatch, dmsPut, progress, put, sourceTable } from '../../../support/changes.ts'
import {
  GREENPLUM_KINDS,
  greenplumDatabase,
  withoutGreenplum,
  withoutStandIn,
} from '../../../support/greenplum/greenplum.ts'
import type { TestDatabase } from '../../../support/postgres/postgres-server.ts'
import { rejection, totals } from '../../conformance/answers.ts'
import { openRelay } from '../test-relay.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

test('an append-optimised table is no mirror, which is said with what helps; as a log it does', {
  skip: withoutStandIn('7'),
}, async (t) => {
  const database = await greenplumDatabase(t, '7')
  // A heap under the name that Greenplum gives such tables.
  await database.query(`CREATE ACCESS METHOD ao_row TYPE TABLE HANDLER heap_tableam_handler;
    CREATE TABLE orders (id text PRIMARY KEY, data jsonb, cdc_version bigint) USING ao_row`)
  const mirror = await openRelay(t, {}, database)
  const { detail } = await rejection(mirror.write(put('a', 1)), 'SINK_TABLE')
  assert.match(detail, /append-optimised.*: ALTER TABLE "public"\."orders" SET ACCESS METHOD heap;/)
  await mirror.close()

  const log = await openRelay(t, { mode: 'append', routes: () => ({ schema: null, name: 'log' }) }, database, 'log')
  await log.write(put('a', 1))
  await log.close()
  await database.query('CREATE TABLE ao (LIKE log) USING ao_row')
  const other = await openRelay(t, { mode: 'append', routes: () => ({ schema: null, name: 'ao' }) }, database, 'ao')
  assert.deepEqual(totals(await other.write(put('a', 1))), [1, 0])
})

for (const kind of GREENPLUM_KINDS) {
  const skip = withoutGreenplum(kind)

  test(`greenplum ${kind}: a partial image is laid over a document of type json`, { skip }, async (t) => {
    const database = await greenplumDatabase(t, kind)
    await database.query(`CREATE SCHEMA shop; CREATE TABLE shop.orders (id numeric PRIMARY KEY, data json, cdc_version bigint);
      INSERT INTO shop.orders VALUES (1, '{"note": "old", "qty": 1, "n": null}', 1)`)
    const { knows, write } = await openRelay(t, { layout: 'document' }, database)
    knows(sourceTable({ id: 'int32', note: 'text', qty: 'int32' }))
    await write(dmsPatch(1, 2, { data: { note: 'new' } }), dmsPatch(2, 2, { data: { qty: 3 } }))
    assert.deepEqual(await database.query('SELECT data FROM shop.orders ORDER BY id'), [
      { data: { id: 1, n: null, note: 'new', qty: 1 } },
      { data: { id: 2, qty: 3 } },
    ])
  })

  test(`greenplum ${kind}: a relay that was forgotten begins again, without what it left behind`, {
    skip,
  }, async (t) => {
    const database = await greenplumDatabase(t, kind)
    const first = sqlStateStore(await connect(database.url))
    await first.claim(claimOf(), signal())
    await first.move(progress(at({ a: '5' }), new Map([['table orders', '1']])), signal())
    await first.close()
    await database.query('DELETE FROM cdc_relay.relays')
    assert.equal((await database.query('SELECT FROM cdc_relay.positions')).length, 1)

    const again = sqlStateStore(await connect(database.url))
    t.after(() => again.close())
    assert.deepEqual(withoutSettings(await again.claim(claimOf(), signal())), {
      positions: new Map(),
      facts: new Map(),
    })
    for (const table of ['positions', 'lessons', 'tables']) {
      assert.deepEqual(await database.query(`SELECT FROM cdc_relay.${table}`), [], table)
    }
    assert.equal(await again.move(progress(at({ a: '1' })), signal()), null)
    await again.close()
  })

  test(`greenplum ${kind}: a batch is the one writer of its tables from its first statement on`, {
    skip,
  }, async (t) => {
    const database = await greenplumDatabase(t, kind)
    const [one, two] = [await openRelay(t, {}, database, 'one'), await openRelay(t, {}, database, 'two')]
    await one.write(put('a', 1), put('a', 1, { table: 'others' }))
    await two.write(put('b', 1))

    const writer = new pg.Client({ connectionString: database.url.replace('greenplum:', 'postgresql:') })
    writer.on('error', () => {})
    t.after(() => writer.end())
    await writer.connect()
    await writer.query(`BEGIN; INSERT INTO others (id) VALUES ('theirs')`)
    const write = one.write(del('a', 2), put('a', 2, { table: 'others' }))
    await untilWaits(database, 'ExclusiveLock')
    assert.deepEqual(await database.query('SELECT id FROM orders ORDER BY id'), [{ id: 'a' }, { id: 'b' }])
    await writer.query('COMMIT')
    assert.deepEqual(totals(await write), [2, 0])

    const tables = ['orders', 'others']
    for (let version = 3; version < 8; version++) {
      const changes = tables.flatMap((table) => ['a', 'b', 'c'].map((id) => put(id, version, { table })))
      // A deadlock would reject.
      for (const written of await Promise.all([one.write(...changes), two.write(...changes.toReversed())])) {
        assert.deepEqual(totals(written), [6, 0])
      }
    }
  })
}

async function untilWaits({ query }: TestDatabase, mode: string): Promise<void> {
  const waiting = `SELECT FROM pg_locks WHERE NOT granted AND mode = '${mode}'`
  const limit = signal()
  while ((await query(waiting)).length === 0) await sleep(5, undefined, { signal: limit })
}

for (const kind of GREENPLUM_KINDS) {
  test(`${kind}: under widen a key stays, which is said with what helps, and other columns get wider`, {
    skip: withoutGreenplum(kind),
  }, async (t) => {
    const said: Record<string, unknown>[] = []
    const warn = (fields: object): void => void said.push({ ...fields })
    const database = await greenplumDatabase(t, kind)
    const relay = await openRelay(t, { onSchemaChange: 'widen', layout: null, log: { ...SILENT, warn } }, database)
    relay.knows(sourceTable({ id: 'int32', n: 'int32' }))
    await relay.write(dmsPut(1, 1, { data: { n: 1 } }))
    relay.knows(sourceTable({ id: 'int64', n: 'int64' }))
    await relay.write(dmsPut(2, 2, { data: { n: 2 ** 40 } }))
    assert.deepEqual(await database.query('SELECT id, n::text FROM shop.orders ORDER BY id'), [
      { id: 1, n: '1' },
      { id: 2, n: `${2 ** 40}` },
    ])
    assert.deepEqual(
      said.map(({ columns }) => columns),
      [['id: integer → bigint']],
    )
    assert.match(String(said[0]!.statements), /DROP CONSTRAINT .* ALTER COLUMN "id" TYPE bigint.* PRIMARY KEY \("id"\)/)
  })
}
