import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { SILENT } from '../../../../../src/observe/log.ts'
import { connect } from '../../../../../src/sinks/sql/connect.ts'
import type { Connection } from '../../../../../src/sinks/sql/connection.ts'
import { crateState } from '../../../../../src/sinks/sql/cratedb/state/state.ts'
import { crateCatalogue } from '../../../../../src/sinks/sql/cratedb/tables/catalogue.ts'
import type { CrateRelation } from '../../../../../src/sinks/sql/cratedb/tables/relation.ts'
import type { Catalogue, RememberedTable } from '../../../../../src/sinks/tables/catalogue.ts'
import { claimOf } from '../../../../support/changes.ts'
import type { Crate } from '../../../../support/crate/crate.ts'
import { onStandInOnly, testCrate } from '../../../../support/crate/real-crate.ts'

test('a table with all that its columns are, in PostgreSQL’s words where there are such', async (t) => {
  const { crate, catalogue } = await place(t)
  crate.query('CREATE TABLE "s"."t" ("id" BIGINT NOT NULL)')
  crate.query(`CREATE TABLE "s"."orders" (
    "id" BIGINT, "A b" TEXT NOT NULL, "v" VARCHAR(20), "n" NUMERIC(38, 10), "long" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    "o" OBJECT(IGNORED), "pk" OBJECT(STRICT) AS ("id" TEXT), "tags" ARRAY(TEXT), "at" TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY ("A b", "id"))`)
  const relation = (await catalogue.look('s', 'orders'))!
  assert.deepEqual(
    relation.columns.map(({ name, type, baseType, modifier, notNull, policy, isIndexed }) =>
      [name, type, baseType, modifier, notNull, policy, isIndexed].join(' '),
    ),
    [
      'id bigint int8 -1 true  true',
      'A b text text -1 true  true',
      'v character varying(20) varchar 24 false  true',
      `n numeric(38,10) numeric ${38 * 65_536 + 14} false  true`,
      'long text text -1 false  false',
      'o object(ignored) object -1 false ignored true',
      'pk object(strict) object -1 false strict true',
      'tags text_array _text -1 false  true',
      'at timestamp with time zone timestamptz -1 false  true',
    ],
  )
  assert.deepEqual(
    relation.members.map(({ name, path, dataType }) => ({ name, path, dataType })),
    [{ name: "pk['id']", path: ['pk', 'id'], dataType: 'text' }],
  )
  assert.deepEqual(
    relation.uniques?.map(({ primary, plain, columns }) => ({ primary, plain, columns })),
    [{ primary: true, plain: true, columns: ['id', 'A b'] }],
  )
  assert.equal(relation.kind, 'r')
  assert.deepEqual((await catalogue.look('s', 't'))?.uniques, [])
  assert.equal(await catalogue.look('s', 'nothing'), undefined)
})

test('a view is a view, with its columns', async (t) => {
  const { crate, catalogue } = await place(t)
  crate.query('CREATE TABLE "s"."orders" ("id" BIGINT PRIMARY KEY, "n" TEXT)')
  crate.query('CREATE VIEW "s"."live" AS SELECT "id", "n" FROM "s"."orders"')
  const view = (await catalogue.look('s', 'live'))!
  assert.equal(view.kind, 'v')
  assert.deepEqual(
    view.columns.map(({ name, baseType }) => `${name} ${baseType}`),
    ['id int8', 'n text'],
  )
})

test('what somebody else made in the meantime is taken as done; what fails for another reason is not', async (t) => {
  const { crate, catalogue } = await place(t)
  crate.query('CREATE TABLE "s"."orders" ("id" BIGINT PRIMARY KEY, "n" TEXT)')
  await catalogue.work(async ({ run, look, lacksSchema }) => {
    await run([
      sql`CREATE TABLE "s"."orders" ("id" BIGINT PRIMARY KEY)`,
      sql`ALTER TABLE "s"."orders" ADD COLUMN "n" BIGINT`,
      sql`ALTER TABLE "s"."orders" ADD COLUMN "m" BIGINT`,
    ])
    const columns = (await look('s', 'orders'))!.columns
    assert.deepEqual(
      columns.map(({ name, baseType }) => `${name} ${baseType}`),
      ['id int8', 'n text', 'm int8'],
    )
    assert.equal(await lacksSchema('nowhere'), false)
    await assert.rejects(run([sql`ALTER TABLE "s"."orders" ADD COLUMN "x.y" TEXT`]), /contains a dot/)
  })
})

test('columns are added by one statement, without those that somebody else added in the meantime', async (t) => {
  const { crate, catalogue } = await place(t)
  crate.query('CREATE TABLE "s"."orders" ("id" BIGINT PRIMARY KEY, "n 7" TEXT)')
  const target = { source: 'orders', schema: 's', name: 'orders' }
  const added = Array.from({ length: 310 }, (_, i) => ({ name: `n ${i}`, definition: sql`BIGINT` }))
  await catalogue.work(({ addColumns }) => addColumns!(target, added))
  const columns = (await catalogue.look('s', 'orders'))!.columns.map(({ name, baseType }) => `${name} ${baseType}`)
  assert.deepEqual(columns.slice(0, 4), ['id int8', 'n 7 text', 'n 0 int8', 'n 1 int8'])
  assert.equal(columns.length, 311)
  assert.equal(crate.executed.filter(({ text }) => text.startsWith('ALTER')).length, 3)
  const odd = [{ name: 'x.y', definition: sql`TEXT` }]
  await assert.rejects(
    catalogue.work(({ addColumns }) => addColumns!(target, odd)),
    /contains a dot/,
  )
})

test('tables are remembered at once, more of them than are read at a time, and changes of them', async (t) => {
  const { claimed, catalogue } = await place(t)
  await claimed('relay')
  const ours = Array.from({ length: 120 }, (_, i) => table(`"s ${i}".t'`, `t${i}`))
  await catalogue.load('relay')
  for (const one of ours) await remember(catalogue, one)
  const changed = { ...ours[60]!, columns: [{ attribute: '__proto__', column: '%__proto__' }] }
  await remember(catalogue, changed)
  const expected = ours.map((one) => (one.source === changed.source ? changed : one))
  assert.deepEqual(await catalogue.load('relay'), expected)
})

test('two processes that remember under one name lose nothing of each other', async (t) => {
  const { claimed, catalogue, connection } = await place(t)
  await claimed('relay')
  const other = crateCatalogue(connection)
  for (const one of [catalogue, other]) assert.deepEqual(await one.load('relay'), [])
  await remember(catalogue, table('a', 'a'))
  await remember(other, table('b', 'b'))
  await remember(catalogue, table('c', 'c'))
  await remember(other, table('c', 'other'))
  assert.deepEqual(
    (await other.load('relay')).map(({ source, name }) => `${source} ${name}`),
    ['a a', 'b b', 'c other'],
  )
})

test('what is remembered is of one relay, and of one life of it', async (t) => {
  const { crate, claimed, catalogue } = await place(t)
  await claimed('relay')
  await claimed('another')
  await catalogue.load('relay')
  await remember(catalogue, table('a', 'a'))
  assert.deepEqual(await catalogue.load('another'), [])
  crate.query(`DELETE FROM "cdc_relay"."relays" WHERE "name" = 'relay'`)
  await claimed('relay')
  assert.deepEqual(await catalogue.load('relay'), [])
})

test('a table that could not be remembered is a failure that passes', { skip: onStandInOnly('a fault') }, async (t) => {
  const { crate, claimed, catalogue } = await place(t)
  await claimed('relay')
  await catalogue.load('relay')
  crate.faults.next({ kind: 'lost-shard' })
  await assert.rejects(remember(catalogue, table('a', 'a')))
  await remember(catalogue, table('a', 'a'))
  assert.equal((await catalogue.load('relay')).length, 1)
})

const table = (source: string, name: string): RememberedTable => ({
  ...{ source, schema: 's', name },
  keys: [{ attribute: 'id', column: 'id', family: 'text' }],
  columns: [],
})

const remember = (catalogue: Catalogue<CrateRelation>, one: RememberedTable): Promise<void> =>
  catalogue.work((work) => work.remember(one))

interface Place {
  readonly crate: Crate
  readonly connection: Connection
  readonly catalogue: Catalogue<CrateRelation>
  /** Begins a relay of this name. */
  claimed(name: string): Promise<void>
}

async function place(t: TestContext): Promise<Place> {
  const crate = await testCrate()
  const connection = await connect(crate.url)
  t.after(async () => {
    await connection.close()
    await crate.stop()
  })
  return {
    crate,
    connection,
    catalogue: crateCatalogue(connection),
    async claimed(name) {
      const state = crateState(connection, SILENT)
      await state.claim(claimOf({ name }), AbortSignal.timeout(30_000))
      await state.close()
    },
  }
}
