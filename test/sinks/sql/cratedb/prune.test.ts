import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Change, SourceTable } from '../../../../src/change.ts'
import { type Connection, connect } from '../../../../src/sinks/sql/connection.ts'
import { cratedb } from '../../../../src/sinks/sql/cratedb/dialect.ts'
import { ensureSchema } from '../../../../src/sinks/sql/cratedb/schema.ts'
import type { TargetTable } from '../../../../src/sinks/sql/layout.ts'
import { del, dmsDel, dmsPut, put, sourceTable } from '../../../support/changes.ts'
import { type Crate, startCrate } from '../../../support/crate/crate.ts'

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
  crate.query(`UPDATE "cdc_relay"."dead_letters" SET "recorded_at" = "recorded_at" - 1000`)
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

/** A table of the kind that these changes need, or of what is known. */
async function place(t: TestContext, changes: readonly Change[], known: SourceTable | null = null): Promise<Place> {
  const crate = await startCrate()
  const connection = await connect(crate.url)
  t.after(async () => {
    await connection.close()
    await crate.stop()
  })
  const { db } = connection
  await ensureSchema(db)
  const mirrors = cratedb.mirrors('soft', () => new Map(), 'ignored')
  const layout = known === null ? mirrors.document : mirrors.columns
  const target = { source: 'orders', schema: 'doc', name: 'orders' }
  const wanted = layout.wanted({ known, changes, remembered: [] })!
  const catalogue = cratedb.catalogue(connection)
  await catalogue.work(({ run }) => run(layout.create(target, wanted)!))
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
