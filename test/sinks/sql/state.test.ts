import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connect } from '../../../src/sinks/sql/connect.ts'
import type { Connection } from '../../../src/sinks/sql/connection.ts'
import { sqlStateStore } from '../../../src/sinks/sql/state-store.ts'
import type { StateStore } from '../../../src/state/store.ts'
import { withoutSettings } from '../../../src/state/stored.ts'
import { describeStateStore, type StateMemory } from '../../state/conformance.ts'
import { at, claimOf, progress } from '../../support/changes.ts'
import { keepPGliteOpen, pgliteFolder } from '../../support/postgres/pglite.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { backup } from '../../support/targets/sql-target.ts'
import { volume } from '../../support/volume.ts'

// What is found in a folder that was really closed: `pglite-opened-again.test.ts`.
await keepPGliteOpen(volume(true, false))

describeStateStore('postgresql', async () => {
  const database = await testDatabase()
  return {
    store: async () => sqlStateStore(await connect(database.url)),
    backup: () => backup((text) => database.query(text)),
    size: async () => (await database.query(ALL_POSITIONS)).length,
    close: database.drop,
  }
})

describeStateStore('pglite', openPGlite, {
  noTakeOver: 'the lock of a process that lives cannot be taken from it',
  noLook: 'a folder is open in one process at a time',
})

const ALL_POSITIONS = 'SELECT 1 FROM cdc_relay.positions'

/** Only one may have the folder open: while a store has, its connection is used for the backup, too. */
async function openPGlite(): Promise<StateMemory> {
  const folder = await pgliteFolder()
  let open: Connection | undefined

  async function openedOnce(): Promise<Connection> {
    await folder.release()
    const connection = await connect(folder.url)
    open = connection
    return {
      ...connection,
      close() {
        if (open === connection) open = undefined
        return connection.close()
      },
    }
  }
  return {
    store: async () => sqlStateStore(await openedOnce()),
    backup: () => backup((text) => folder.query(text, open)),
    size: async () => (await folder.query(ALL_POSITIONS, open)).length,
    close: folder.empty,
  }
}

test('postgresql: a database that an earlier version made gets the table that it lacks', async (t) => {
  const { database, store } = await place(t)
  const first = await store()
  await first.claim(claimOf(), signal())
  await first.move(progress(at({ a: '5' })), signal())
  await first.close()
  await database.query('DROP TABLE cdc_relay.lessons')

  const facts = new Map([['table orders', '{"key":["id"]}']])
  const next = await store()
  assert.deepEqual(withoutSettings(await next.claim(claimOf(), signal())), {
    positions: at({ a: '5' }),
    facts: new Map(),
  })
  assert.equal(await next.move(progress(at({ a: '6' }), facts), signal()), null)
  await next.close()
  assert.deepEqual(withoutSettings(await (await store()).claim(claimOf(), signal())), {
    positions: at({ a: '6' }),
    facts,
  })
})

test('postgresql: a look makes no tables, and takes those of an earlier version as they are', async (t) => {
  const { database, store } = await place(t)
  const looker = await store()
  assert.equal(await looker.look('orders'), null)
  assert.deepEqual(await database.query(`SELECT nspname FROM pg_namespace WHERE nspname = 'cdc_relay'`), [])

  const first = await store()
  await first.claim(claimOf(), signal())
  await first.move(progress(at({ a: '5' }), new Map([['x', '1']])), signal())
  await first.close()
  const name = claimOf().relay.name
  await database.query(`INSERT INTO cdc_relay.dead_letters (name, code, detail, stream, shard, sequence, source)
    SELECT '${name}', code, 'd', 's', 'a', '1', source FROM (VALUES ('A', 'orders'), ('A', 'orders'), ('B', NULL)) AS l (code, source)`)
  await database.query('ALTER TABLE cdc_relay.tables DROP COLUMN columns; DROP TABLE cdc_relay.lessons')
  const look = await looker.look(name)
  assert.deepEqual(look?.stored, { positions: at({ a: '5' }), facts: new Map() })
  assert.deepEqual(look.target, {
    tables: [],
    deadLetters: [
      { source: 'orders', code: 'A', count: 2 },
      { source: null, code: 'B', count: 1 },
    ],
  })
  assert.deepEqual(await database.query(`SELECT to_regclass('cdc_relay.lessons') AS lessons`), [{ lessons: null }])

  await database.query('UPDATE cdc_relay.schema_version SET version = 1000')
  await assert.rejects(looker.look(name), { code: 'STATE_NEWER' })
})

test('postgresql: a user who may only read what is stored sees all of it, and who holds the name', async (t) => {
  const { database, store } = await place(t)
  const holder = await store()
  await holder.claim(claimOf(), signal())
  await holder.move(progress(at({ a: '5' }), new Map([['x', '1']])), signal())
  const user = `reads_${database.name}`
  await database.query(`CREATE ROLE ${user} LOGIN PASSWORD 'secret'`)
  await database.query(`GRANT USAGE ON SCHEMA cdc_relay TO ${user}`)
  await database.query(`GRANT SELECT ON ALL TABLES IN SCHEMA cdc_relay TO ${user}`)
  const url = new URL(database.url)
  url.username = user
  url.password = 'secret'
  const looker = sqlStateStore(await connect(url.href))
  t.after(() => looker.close())
  const look = await looker.look(claimOf().relay.name)
  assert.deepEqual(look?.stored, { positions: at({ a: '5' }), facts: new Map([['x', '1']]) })
  assert.deepEqual([look.holder?.process, look.holder?.isAlive], [process.pid, true])
})

test('postgresql: a look at one name does not take the lock on another for its own', async (t) => {
  const { store } = await place(t)
  const [one, two, looker] = [await store(), await store(), await store()]
  await one.claim(claimOf({ name: 'one' }), signal())
  await two.claim(claimOf({ name: 'two' }), signal())
  await one.close()
  assert.equal((await looker.look('one'))?.holder?.isAlive, false)
  assert.equal((await looker.look('two'))?.holder?.isAlive, true)
})

test('postgresql: a user who may only use the schema that was made for it needs no more, then and later', async (t) => {
  const database = await testDatabase(t)
  const user = `only_${database.name}`
  await database.query(`CREATE ROLE ${user} LOGIN PASSWORD 'secret'`)
  await database.query(`CREATE SCHEMA cdc_relay AUTHORIZATION ${user}`)
  const url = new URL(database.url)
  url.username = user
  url.password = 'secret'
  for (const made of ['everything', 'what an earlier version lacked', 'nothing']) {
    if (made === 'what an earlier version lacked') await database.query('DROP TABLE cdc_relay.lessons')
    if (made === 'nothing') await database.query(`REVOKE CREATE ON SCHEMA cdc_relay FROM ${user}`)
    const only = sqlStateStore(await connect(url.href))
    t.after(() => only.close())
    await only.claim(claimOf(), signal())
    assert.equal(await only.move(progress(new Map(), new Map([['made', made]])), signal()), null)
    await only.close()
  }
})

test('postgresql: what a relay forgets when its row is deleted, facts too', async (t) => {
  const { database, store } = await place(t)
  const first = await store()
  await first.claim(claimOf(), signal())
  await first.move(progress(at({ a: '5' }), new Map([['table orders', '1']])), signal())
  await first.close()
  await database.query('DELETE FROM cdc_relay.relays')
  assert.deepEqual(withoutSettings(await (await store()).claim(claimOf(), signal())), {
    positions: new Map(),
    facts: new Map(),
  })
})

test('postgresql: what was committed without an answer is recognised by its positions and its facts', async (t) => {
  const { database, store } = await place(t)
  const only = await store()
  await only.claim(claimOf(), signal())
  await only.move(progress(at({ a: '5' }), new Map([['table orders', '1']])), signal())
  await database.query(`
    UPDATE cdc_relay.positions SET sequence = '6';
    UPDATE cdc_relay.lessons SET lesson = '2'`)
  assert.equal(await only.move(progress(at({ a: '6' }), new Map([['table orders', '2']])), signal()), null)

  await database.query(`UPDATE cdc_relay.positions SET sequence = '7'`)
  assert.deepEqual(await only.move(progress(at({ a: '7' }), new Map([['table orders', '3']])), signal()), {
    positions: at({ a: '7' }),
    facts: new Map([['table orders', '2']]),
  })
})

test('postgresql: a claim of our own whose answer was lost is ours, and what the target holds is read', async (t) => {
  const { database, store } = await place(t)
  const only = await store()
  await only.claim(claimOf(), signal())
  await only.move(progress(at({ a: '5' })), signal())
  await database.query('UPDATE cdc_relay.relays SET claim = claim + 1')
  assert.deepEqual(await only.move(progress(at({ a: '6' })), signal()), {
    positions: at({ a: '5' }),
    facts: new Map(),
  })
  assert.equal(await only.move(progress(at({ a: '6' })), signal()), null)
})

test('postgresql: facts that cannot be written leave the positions where they are', async (t) => {
  const { database, store } = await place(t)
  const only = await store()
  await only.claim(claimOf(), signal())
  await only.move(progress(at({ a: '5' })), signal())
  await database.query(`ALTER TABLE cdc_relay.lessons ADD CHECK (lesson <> 'refused')`)
  const refused = { code: 'STATE_BROKEN', detail: /SQLSTATE 23514/ }
  await assert.rejects(only.move(progress(at({ a: '6' }), new Map([['x', 'refused']])), signal()), refused)
  assert.equal(await only.move(progress(at({ a: '6' }), new Map([['x', 'kept']])), signal()), null)
})

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

/** A database whose stores are closed at the end of the test. */
async function place(t: TestContext): Promise<{ database: TestDatabase; store: () => Promise<StateStore> }> {
  const database = await testDatabase()
  const stores: StateStore[] = []
  t.after(async () => {
    for (const store of stores) await store.close()
    await database.drop()
  })
  const store = async (): Promise<StateStore> => {
    const one = sqlStateStore(await connect(database.url))
    stores.push(one)
    return one
  }
  return { database, store }
}
