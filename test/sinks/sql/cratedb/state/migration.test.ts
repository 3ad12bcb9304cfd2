import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { connect } from '../../../../../src/sinks/sql/connect.ts'
import { ensureSchema } from '../../../../../src/sinks/sql/cratedb/state/migration.ts'
import { CRATE_STEPS } from '../../../../../src/sinks/sql/cratedb/state/schema.ts'
import { sqlStateStore } from '../../../../../src/sinks/sql/state-store.ts'
import type { Database } from '../../../../../src/sinks/tables/database.ts'
import { at, claimOf, progress } from '../../../../support/changes.ts'
import type { Crate } from '../../../../support/crate/crate.ts'
import { onStandInOnly, testCrate } from '../../../../support/crate/real-crate.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)
const skip = onStandInOnly('faults are made in the stand-in')

/** As one that somebody may add. */
const STEPS = [
  ...CRATE_STEPS,
  {
    about: 'count',
    makes: { 'relays.note': sql`ALTER TABLE "cdc_relay"."relays" ADD COLUMN "note" TEXT` },
    changes: [
      sql`REFRESH TABLE "cdc_relay"."relays"`,
      sql`UPDATE "cdc_relay"."relays" SET "note" = 'none' WHERE "note" IS NULL`,
    ],
  },
]

const version = (crate: Crate): number =>
  Number(crate.query('SELECT "version" FROM "cdc_relay"."schema_version"')[0]!.version)

async function place(t: TestContext): Promise<{ crate: Crate; open(): Promise<Database> }> {
  const crate = await testCrate()
  t.after(() => crate.stop())
  const store = sqlStateStore(await connect(crate.url))
  await store.claim(claimOf(), signal())
  await store.move(progress(at({ a: '5' }), new Map([['table orders', '1']])), signal())
  await store.close()
  return {
    crate,
    async open() {
      const connection = await connect(crate.url)
      t.after(() => connection.close())
      return connection.db
    },
  }
}

const OF_STEP = /^\s*(ALTER TABLE|UPDATE "cdc_relay"."relays"|INSERT INTO "cdc_relay"."schema_version")/

for (const when of ['before', 'after'] as const) {
  for (const [behind, statement] of ['what it makes', 'what it changes', 'its record'].entries()) {
    test(`cratedb: a crash ${when} ${statement} leaves a step that is done the next time`, { skip }, async (t) => {
      const { crate, open } = await place(t)
      crate.faults.next({ kind: 'drop', when }, { skip: behind, matching: OF_STEP })
      await assert.rejects(ensureSchema(await open(), STEPS), /Connection terminated/)
      assert.equal(version(crate), when === 'after' && statement === 'its record' ? STEPS.length : CRATE_STEPS.length)
      await ensureSchema(await open(), STEPS)
      assert.equal(version(crate), STEPS.length)
      assert.deepEqual(crate.query('SELECT "note" FROM "cdc_relay"."relays"'), [{ note: 'none' }])
    })
  }
}

test('cratedb: relays that do a step at once do not disturb each other', async (t) => {
  const { crate, open } = await place(t)
  const opened = await Promise.all(Array.from({ length: 6 }, open))
  await Promise.all(opened.map((db) => ensureSchema(db, STEPS)))
  assert.equal(version(crate), STEPS.length)
  assert.ok(
    crate.sent.filter((text) => text.startsWith('ALTER TABLE')).length > 1,
    'more than one of them made the column',
  )
})

test('cratedb: a relay that meets newer tables stops, also if they come while it starts, and never lowers the version', async (t) => {
  const { crate, open } = await place(t)
  await ensureSchema(await open(), STEPS)
  const before = crate.query('SELECT * FROM "cdc_relay"."relays"')
  const connection = await connect(crate.url)
  const store = sqlStateStore(connection)
  t.after(() => store.close())
  const newer = {
    code: 'STATE_NEWER',
    message: new RegExp(`have version ${STEPS.length}; .* up to version ${CRATE_STEPS.length}\\. Run the newer`),
  }
  await assert.rejects(store.claim(claimOf(), signal()), newer)
  assert.deepEqual(crate.query('SELECT * FROM "cdc_relay"."relays"'), before)

  // As if another relay did its step while this one does one of its own.
  const meanwhile = sql`UPDATE "cdc_relay"."schema_version" SET "version" = 9 WHERE "name" = 'cdc_relay'`
  const steps = [...STEPS, { about: 'be slow', makes: {}, changes: [meanwhile] }]
  await assert.rejects(ensureSchema(await open(), steps), {
    code: 'STATE_NEWER',
    detail: new RegExp(`version 9; .* version ${steps.length}$`),
  })
  assert.equal(version(crate), 9)
})

test('cratedb: a user who may make nothing reads what to run', { skip }, async (t) => {
  const { crate, open } = await place(t)
  crate.faults.next(
    { kind: 'error', when: 'before', text: "Missing 'DDL' privilege for user 'app'" },
    { matching: /ALTER TABLE/ },
  )
  await assert.rejects(ensureSchema(await open(), STEPS), {
    code: 'SINK_DENIED',
    detail: new RegExp(
      `have version ${CRATE_STEPS.length} and need version ${STEPS.length} \\(count\\), .*: Missing 'DDL' privilege for user 'app'.*:\\n {2}ALTER TABLE "cdc_relay"."relays" ADD COLUMN "note" TEXT;\\n {2}REFRESH .*;\\n {2}UPDATE .*;\\n {2}INSERT INTO "cdc_relay"."schema_version" .*VALUES \\('cdc_relay', ${STEPS.length}, .*;\\n$`,
    ),
  })
  assert.equal(version(crate), CRATE_STEPS.length)
})
