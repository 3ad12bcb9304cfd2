import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SourceTable } from '../../../../../src/batch.ts'
import { type Change, Numeric, type Row } from '../../../../../src/change.ts'
import { connect } from '../../../../../src/sinks/sql/connect.ts'
import type { Connection } from '../../../../../src/sinks/sql/connection.ts'
import { cratedb } from '../../../../../src/sinks/sql/cratedb/dialect.ts'
import { ensureSchema } from '../../../../../src/sinks/sql/cratedb/state/migration.ts'
import type { TargetTable } from '../../../../../src/sinks/tables/layout.ts'
import { del, dmsDel, dmsPut, put, sourceTable } from '../../../../support/changes.ts'
import type { Crate } from '../../../../support/crate/crate.ts'
import { testCrate } from '../../../../support/crate/real-crate.ts'

const DAY_MS = 24 * 60 * 60 * 1000

test('deleted rows go once they were seen to be there for long enough', async (t) => {
  const { crate, table, write, prune, age } = await place(t, [put('a', 1)])
  await write([put('a', 1), put('b', 2), del('c', 3)])
  crate.refresh()
  assert.equal(await prune(DAY_MS), false)
  // Written later, and newer than all that were there then.
  await write([del('a', 4)])
  crate.refresh()
  await prune(DAY_MS)
  assert.deepEqual(keysOf(crate, table), ['a', 'b', 'c'])
  age(DAY_MS)
  await prune(DAY_MS)
  assert.deepEqual(keysOf(crate, table), ['a', 'b'])
  assert.deepEqual(await prune(DAY_MS), false)
})

test('a row that came back to life stays, though a search still sees it dead', async (t) => {
  const { crate, table, write, prune, age } = await place(t, [put('a', 1)])
  await write([del('a', 1), del('b', 1)])
  crate.refresh()
  await prune(DAY_MS)
  age(DAY_MS)
  await write([put('a', 2)])
  await prune(DAY_MS)
  assert.deepEqual(keysOf(crate, table), ['a'])
})

test('an open dead letter of the table, or of none, keeps what was deleted when it was recorded', async (t) => {
  const { crate, table, connection, write, prune, age } = await place(t, [put('a', 1)])
  await write([del('a', 1)])
  crate.refresh()
  await prune(DAY_MS)
  age(DAY_MS)
  const source = { format: 'unknown', stream: 's', shard: '0', sequence: '1' } as const
  const letter = { kind: 'dead-letter', code: 'DECODE_NOT_JSON', detail: '', raw: Buffer.from('x'), source } as const
  await cratedb.keepDeadLetters(connection.db, 'relay', [letter])
  crate.refresh()
  crate.query(`UPDATE "cdc_relay"."dead_letters" SET "recorded_at" = "recorded_at"::bigint - 1000`)
  crate.refresh()
  await prune(DAY_MS)
  assert.deepEqual(keysOf(crate, table), ['a'])
  crate.query(`UPDATE "cdc_relay"."dead_letters" SET "source" = 'another'`)
  crate.refresh()
  await prune(DAY_MS)
  assert.deepEqual(keysOf(crate, table), [])
})

test('more than go at a time go the next time', async (t) => {
  const { crate, table, write, prune, age } = await place(t, [put('a', 1)])
  await write(Array.from({ length: 150 }, (_, i) => del(`k${i}`, 1)))
  crate.refresh()
  await prune(DAY_MS)
  age(DAY_MS)
  assert.equal(await prune(DAY_MS), true)
  assert.equal(keysOf(crate, table).length, 50)
  crate.refresh()
  assert.equal(await prune(DAY_MS), false)
  assert.equal(keysOf(crate, table).length, 0)
})

test('a sweep takes what is older than the floor, and later what a search did not see', async (t) => {
  const known: SourceTable = sourceTable({ id: 'int64', at: 'numeric' }, { key: ['id'], floor: '100' })
  const { crate, table, connection, write, prune, age, live } = await place(t, [], known)
  const before: SourceTable = { ...known, floor: null }
  await write([dmsPut(1, 50), dmsPut(2, 60), dmsDel(3, 70)], before)
  crate.refresh()
  // Seen in its old state only; and not seen at all.
  await write([dmsPut(2, 100), dmsPut(4, 80)], before)
  assert.equal(await cratedb.writing.sweep(connection.db, table, '100'), 1)
  assert.deepEqual(live(), ['2', '4'])
  crate.refresh()
  await prune(DAY_MS)
  assert.deepEqual(live(), ['2'])
  assert.deepEqual(crate.query(`SELECT "cdc_version", "at" FROM ${idOf(table)} WHERE "id" = 4`), [
    { cdc_version: 99n, at: null },
  ])
  const wanted = (): unknown => crate.query('SELECT "sweep_below" FROM "cdc_relay"."purges"')[0]!.sweep_below
  await prune(DAY_MS)
  assert.equal(wanted(), 100n)
  age(60 * 60 * 1000)
  crate.refresh()
  await prune(DAY_MS)
  assert.equal(wanted(), null)
})

test('of a table without key a sweep takes the rows themselves', async (t) => {
  const known: SourceTable = sourceTable({ id: 'int64', at: 'numeric' }, { key: [], floor: '100' })
  const { crate, table, connection, write } = await place(t, [], known)
  await write([dmsPut(1, 50, { sequence: '1' }), dmsPut(1, 100, { sequence: '2' })], { ...known, floor: null })
  crate.refresh()
  assert.equal(await cratedb.writing.sweep(connection.db, table, '100'), 1)
  assert.deepEqual(crate.query(`SELECT "cdc_version" FROM ${idOf(table)}`), [{ cdc_version: 100n }])
})

/** Existing tables with keys of other types than the relay gives, each with two keys, and how they are asked for. */
const OTHER_KEYS: readonly (readonly [title: string, existing: string, keys: readonly Row[], id: string])[] = [
  [
    'the toolkit, of two parts',
    'CREATE TABLE "doc"."orders" ("pk" OBJECT(STRICT) AS ("id" TEXT PRIMARY KEY, "n" BIGINT PRIMARY KEY), "data" OBJECT(DYNAMIC))',
    [
      { id: 'a"\'\\', n: 1 },
      { id: 'a"\'\\', n: 2 },
    ],
    `"pk"['n']`,
  ],
  [
    'BIGINT and TEXT',
    'CREATE TABLE "doc"."orders" ("n" BIGINT, "id" TEXT, "data" OBJECT(IGNORED), PRIMARY KEY ("n", "id"))',
    [
      { id: '', n: -1 },
      { id: '', n: 2 },
    ],
    '"n"',
  ],
  [
    'NUMERIC',
    'CREATE TABLE "doc"."orders" ("n" NUMERIC(38, 2) PRIMARY KEY, "data" OBJECT(IGNORED))',
    [{ n: 1.5 }, { n: new Numeric('123456789012345678901234567890123456.25') }],
    '"n"',
  ],
]

for (const [title, existing, [first, second], id] of OTHER_KEYS) {
  test(`keys of ${title}: deleted rows go, and one that came back to life meanwhile stays`, async (t) => {
    const [one, two] = [{ key: { ...first! } }, { key: { ...second! } }]
    const { crate, write, prune, age } = await place(t, [put(null, 1, one)], null, existing)
    const left = (): string[] =>
      crate.query(`SELECT ${id}::text AS k, "cdc_version" AS v FROM "doc"."orders"`).map(({ k, v }) => `${k}@${v}`)
    await write([del(null, 1, one), del(null, 1, two)])
    crate.refresh()
    await prune(DAY_MS)
    age(DAY_MS)
    // A search still sees it dead.
    await write([put(null, 2, two)])
    await prune(DAY_MS)
    const [kept, ...more] = left()
    assert.match(kept!, /@2$/)
    assert.deepEqual(more, [])
  })

  test(`keys of ${title}: a sweep takes what is older than the floor, and what is newer by now stays`, async (t) => {
    const [one, two] = [{ key: { ...first! } }, { key: { ...second! } }]
    const { crate, table, connection, write } = await place(t, [put(null, 1, one)], null, existing)
    await write([put(null, 50, one), put(null, 60, two)])
    crate.refresh()
    await write([put(null, 100, two)])
    assert.equal(await cratedb.writing.sweep(connection.db, table, '100'), 1)
    const rows = crate.query(`SELECT "cdc_version" AS v, "cdc_deleted" AS d, "data" FROM "doc"."orders" ORDER BY v`)
    assert.deepEqual(
      rows.map(({ v, d, data }) => [v, d, data === null]),
      [
        [99n, true, true],
        [100n, false, false],
      ],
    )
  })
}

test('a key of moments: deleted rows go', async (t) => {
  const known = sourceTable({ id: 'timestamp', at: 'int64' })
  const existing = 'CREATE TABLE "doc"."orders" ("id" TIMESTAMP WITH TIME ZONE PRIMARY KEY, "at" BIGINT)'
  const { crate, write, prune, age } = await place(t, [], known, existing)
  const [first, second] = ['2024-07-12T01:17:42.123Z', '2024-07-12T01:17:42.124Z']
  await write([dmsDel(first!, 1), dmsDel(second!, 1)])
  crate.refresh()
  await prune(DAY_MS)
  age(DAY_MS)
  await write([dmsPut(second!, 2)])
  await prune(DAY_MS)
  assert.deepEqual(crate.query('SELECT "cdc_version" FROM "doc"."orders"'), [{ cdc_version: 2n }])
})

const idOf = ({ schema, name }: TargetTable): string => `"${schema}"."${name}"`

function keysOf(crate: Crate, table: TargetTable): unknown[] {
  return crate.query(`SELECT "id" FROM ${idOf(table)} ORDER BY "id"`).map(({ id }) => id)
}

interface Place {
  readonly crate: Crate
  readonly connection: Connection
  readonly table: TargetTable
  write(changes: readonly Change[], known?: SourceTable): Promise<void>
  prune(ageMs: number): Promise<boolean>
  /** Lets all that is remembered of the past be so much older. */
  age(ms: number): void
  /** Keys of the rows that live. */
  live(): unknown[]
}

/** A table of the kind that these changes need, or of what is known; or one that is there, completed. */
async function place(
  t: TestContext,
  changes: readonly Change[],
  known: SourceTable | null = null,
  existing: string | null = null,
): Promise<Place> {
  const crate = await testCrate()
  if (existing !== null) crate.query(existing)
  const connection = await connect(crate.url)
  t.after(async () => {
    await connection.close()
    await crate.stop()
  })
  const { db } = connection
  await ensureSchema(db)
  const mirrors = cratedb.mirrors({}, 'soft', () => new Map())
  const layout = known === null ? mirrors.document : mirrors.columns
  const target = { source: 'orders', schema: 'doc', name: 'orders' }
  const wanted = layout.desired({ known, changes, remembered: [] })!
  const catalogue = cratedb.catalogue(connection)
  const before = await catalogue.look('doc', 'orders')
  await catalogue.work(({ run, addColumns }) =>
    before === undefined
      ? run(layout.create(target, wanted)!.statements)
      : addColumns!(target, layout.additions(target, wanted, before).own),
  )
  const relation = (await catalogue.look('doc', 'orders'))!
  const table = layout.bind(target, wanted, relation, known)
  return {
    crate,
    connection,
    table,
    async write(changes, as = known ?? undefined) {
      const bound = as === undefined ? table : layout.bind(target, wanted, relation, as)
      await (await bound.plan(changes))!.write(db)
    },
    prune: (ageMs) => cratedb.prune(db, 'relay', table, ageMs),
    age(ms) {
      for (const { samples, swept_at } of crate.query('SELECT * FROM "cdc_relay"."purges"')) {
        const older = (JSON.parse(String(samples ?? '[]')) as { ms: number }[]).map((one) => ({
          ...one,
          ms: one.ms - ms,
        }))
        const at = swept_at === null ? 'NULL' : String(BigInt(swept_at as bigint) - BigInt(ms))
        crate.query(`UPDATE "cdc_relay"."purges" SET "samples" = '${JSON.stringify(older)}', "swept_at" = ${at}`)
      }
    },
    live: () =>
      crate
        .query(`SELECT "id" FROM ${idOf(table)} WHERE "cdc_deleted" IS NULL OR "cdc_deleted" = false ORDER BY "id"`)
        .map(({ id }) => String(id)),
  }
}
