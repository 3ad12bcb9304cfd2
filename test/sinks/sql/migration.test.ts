import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { RelayError } from '../../../src/errors.ts'
import { connect } from '../../../src/sinks/sql/connect.ts'
import type { Connection } from '../../../src/sinks/sql/connection.ts'
import { KERNEL_6 } from '../../../src/sinks/sql/greenplum/kernel.ts'
import { greenplumSteps } from '../../../src/sinks/sql/greenplum/schema.ts'
import { ensureSchema } from '../../../src/sinks/sql/postgresql/migration.ts'
import { POSTGRES_STEPS } from '../../../src/sinks/sql/postgresql/schema.ts'
import type { SchemaStep } from '../../../src/sinks/sql/schema-steps.ts'
import { sqlStateStore } from '../../../src/sinks/sql/state-store.ts'
import { at, claimOf, progress } from '../../support/changes.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

/** As one that somebody may add. Each time that it is done, it leaves a row: it is done once. */
const next = (spread = sql``): SchemaStep => ({
  about: 'count',
  makes: {
    counts: sql`CREATE TABLE IF NOT EXISTS cdc_relay.counts (name text PRIMARY KEY, n integer NOT NULL) ${spread}`,
    'relays.note': sql`ALTER TABLE cdc_relay.relays ADD COLUMN note text`,
  },
  changes: [sql`INSERT INTO cdc_relay.counts SELECT name || random(), 1 FROM cdc_relay.relays`],
})

const version = async ({ query }: TestDatabase): Promise<number | undefined> =>
  (await query<{ version: number }>(`SELECT version FROM cdc_relay.schema_version`))[0]?.version

async function opened(t: TestContext, url: string): Promise<Connection> {
  const connection = await connect(url)
  t.after(() => connection.close())
  return connection
}

/** A relay has moved to position 5. */
async function moved(url: string): Promise<void> {
  const store = sqlStateStore(await connect(url))
  await store.claim(claimOf(), signal())
  await store.move(progress(at({ a: '5' }), new Map([['table orders', '1']])), signal())
  await store.close()
}

for (const [title, place, steps] of [
  ['postgresql', testDatabase, [...POSTGRES_STEPS, next()]],
  [
    'greenplum 6',
    (t: TestContext) => greenplumDatabase(t, '6'),
    [...greenplumSteps(KERNEL_6), next(sql`DISTRIBUTED BY (name)`)],
  ],
] as const) {
  const skip = title === 'postgresql' ? false : withoutGreenplum('6')

  test(`${title}: of many relays that start at once, one does each step, and all go on`, { skip }, async (t) => {
    const database = await place(t)
    await moved(database.url)
    const connections = await Promise.all(Array.from({ length: 6 }, () => opened(t, database.url)))
    await Promise.all(connections.map(({ db }) => ensureSchema(db, steps)))
    assert.equal(await version(database), steps.length)
    assert.equal((await database.query('SELECT FROM cdc_relay.counts')).length, 1)
  })

  test(`${title}: a step that fails leaves nothing, those before it stay, and it is done the next time`, {
    skip,
  }, async (t) => {
    const database = await place(t)
    const { db } = await opened(t, database.url)
    const fails = { ...steps.at(-1)!, changes: [sql`INSERT INTO cdc_relay.counts VALUES ('a', NULL)`] }
    await assert.rejects(ensureSchema(db, [...steps.slice(0, -1), fails]), /null/)
    assert.equal(await version(database), steps.length - 1)
    assert.deepEqual(await database.query(`SELECT FROM pg_class WHERE relname = 'counts'`), [])
    await ensureSchema(db, steps)
    assert.equal(await version(database), steps.length)
    assert.deepEqual(await database.query('SELECT FROM cdc_relay.counts'), [])
  })

  test(`${title}: a relay that meets newer tables stops, and leaves them as they are`, { skip }, async (t) => {
    const database = await place(t)
    await moved(database.url)
    await ensureSchema((await opened(t, database.url)).db, steps)
    const before = await database.query('SELECT * FROM cdc_relay.relays')
    const store = sqlStateStore(await opened(t, database.url))
    await assert.rejects(store.claim(claimOf(), signal()), {
      code: 'STATE_NEWER',
      message: new RegExp(`have version ${steps.length}; .* up to version ${steps.length - 1}.*Run the newer`),
    })
    assert.deepEqual(await database.query('SELECT * FROM cdc_relay.relays'), before)
  })

  test(`${title}: a relay that runs while newer tables are made goes on until it is started again`, {
    skip,
  }, async (t) => {
    const database = await place(t)
    const store = sqlStateStore(await connect(database.url))
    t.after(() => store.close())
    await store.claim(claimOf(), signal())
    await ensureSchema((await opened(t, database.url)).db, steps)
    assert.equal(await store.move(progress(at({ a: '6' }), new Map([['table orders', '2']])), signal()), null)
    assert.deepEqual(await database.query('SELECT sequence FROM cdc_relay.positions'), [{ sequence: '6' }])
  })
}

test('postgresql: a user who may make nothing reads what to run, and goes on once somebody ran it', async (t) => {
  const database = await testDatabase(t)
  await moved(database.url)
  const user = `only_${database.name}`
  await database.query(`CREATE ROLE ${user} LOGIN PASSWORD 'pw'; GRANT USAGE ON SCHEMA cdc_relay TO ${user};
    GRANT SELECT, INSERT, UPDATE, DELETE ON cdc_relay.relays, cdc_relay.positions, cdc_relay.tables, cdc_relay.lessons TO ${user}`)
  const url = new URL(database.url)
  url.username = user
  url.password = 'pw'
  const { db } = await opened(t, url.href)
  const steps = [...POSTGRES_STEPS, next()]

  await assert.rejects(ensureSchema(db, POSTGRES_STEPS), {
    code: 'SINK_DENIED',
    detail: `The version of the relay's own tables cannot be read: permission denied for table schema_version. Their owner can run: GRANT SELECT ON cdc_relay.schema_version TO ${user}`,
  })
  await database.query(`GRANT SELECT ON cdc_relay.schema_version TO ${user}`)
  await ensureSchema(db, POSTGRES_STEPS)

  const denied = await ensureSchema(db, steps).catch((error: unknown) => error)
  assert.ok(denied instanceof RelayError && denied.code === 'SINK_DENIED')
  const [has, needs] = [POSTGRES_STEPS.length, steps.length]
  assert.match(
    denied.detail,
    new RegExp(`have version ${has} and need version ${needs} \\(count\\).*permission denied for schema cdc_relay\\. `),
  )
  const statements = [...denied.detail.matchAll(/^ {2}(.*;)$/gm)].map(([, statement]) => statement!)
  assert.ok(statements.length > 5)
  for (const statement of statements) await database.query(statement)
  assert.equal(await version(database), steps.length)
  await ensureSchema(db, steps)
  assert.equal((await database.query('SELECT FROM cdc_relay.counts')).length, 1)
})

test('postgresql: a user who lacks a right before anything was made reads the same as ever', async (t) => {
  const database = await testDatabase(t)
  const user = `only_${database.name}`
  await database.query(`CREATE ROLE ${user} LOGIN PASSWORD 'pw'`)
  const url = new URL(database.url)
  url.username = user
  url.password = 'pw'
  const store = sqlStateStore(await opened(t, url.href))
  await assert.rejects(store.claim(claimOf(), signal()), {
    code: 'STATE_DENIED',
    detail: /permission denied for database .*GRANT CREATE ON DATABASE/,
  })
})

test('postgresql: a step that does not make what it names is a fault of its author, and ends', async (t) => {
  const { db } = await opened(t, (await testDatabase(t)).url)
  const wrong: SchemaStep = {
    about: 'go wrong',
    makes: { counts: sql`CREATE TABLE IF NOT EXISTS cdc_relay.count (n integer)` },
  }
  await assert.rejects(ensureSchema(db, [...POSTGRES_STEPS, wrong]), /does not make what it names/)
})
