import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { addColumn, createTable, dmsPatch, dmsPut, dropTable, put, sourceTable } from '../../support/changes.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { rejection, totals } from '../conformance/answers.ts'
import { onEachTarget } from './each-target.ts'
import { FIRST, FOLLOWED, MORE, OTHERS } from './schema-changes-cases.ts'
import type { OpenRelay, TestRelay } from './test-relay.ts'

onEachTarget('add-only: what is new is added, the rest is counted and changes nothing', async (t, openRelay) => {
  const relay = await openMade(t, openRelay, 'add-only')
  relay.knows(MORE)
  const written = await relay.write(...FOLLOWED, dmsPut(2, 2, { data: { qty: 5 } }), ...OTHERS)
  assert.deepEqual(totals(written), [5, 0])
  assert.deepEqual([...written.skips!], [['schema-change-not-followed', 5]])
  assert.deepEqual(await columns(relay.database), [
    'id integer',
    'note text',
    'cdc_version bigint',
    'cdc_extra jsonb',
    'qty bigint',
  ])
})

onEachTarget('add-only: a type that the source changes is not altered', async (t, openRelay) => {
  const relay = await openMade(t, openRelay, 'add-only')
  relay.knows(sourceTable({ id: 'int32', note: 'int64' }))
  await relay.write(
    { ...OTHERS[4]!, columns: [{ name: 'note', type: 'int64', nullable: true }] },
    dmsPut(2, 2, { data: { note: 5 } }),
  )
  assert.deepEqual((await columns(relay.database)).slice(0, 2), ['id integer', 'note text'])
  assert.deepEqual(await relay.database.query('SELECT id, note FROM shop.orders ORDER BY id'), [
    { id: 1, note: 'one' },
    { id: 2, note: '5' },
  ])
})

onEachTarget(
  'widen: what is new is added, and a change of type that says the new one counts as followed',
  async (t, openRelay) => {
    const relay = await openMade(t, openRelay, 'widen')
    relay.knows(MORE)
    const told = { ...addColumn({ note: 'text' }, 2), op: 'column-type-change' } as const
    const written = await relay.write(...FOLLOWED, told, dmsPut(2, 2, { data: { qty: 5 } }), ...OTHERS)
    assert.deepEqual(totals(written), [6, 0])
    assert.deepEqual([...written.skips!], [['schema-change-not-followed', 5]])
    assert.ok((await columns(relay.database)).includes('qty bigint'))
  },
)

onEachTarget('add-only: a new column is added before any row has it', async (t, openRelay) => {
  const relay = await openMade(t, openRelay, 'add-only')
  relay.knows(MORE)
  await relay.write(addColumn({ qty: 'int64' }, 2))
  assert.ok((await columns(relay.database)).includes('qty bigint'))
})

onEachTarget('ignore: nothing is added; what the new column holds lies in cdc_extra', async (t, openRelay) => {
  const relay = await openMade(t, openRelay, 'ignore')
  relay.knows(MORE)
  const written = await relay.write(...FOLLOWED, ...OTHERS, dmsPut(2, 2, { data: { qty: 5, note: 'two' } }))
  assert.deepEqual([totals(written), [...written.skips!]], [[5, 0], [['schema-change-not-followed', 5]]])
  assert.deepEqual(await columns(relay.database), ['id integer', 'note text', 'cdc_version bigint', 'cdc_extra jsonb'])
  await relay.write({ ...dmsPut(2, 3, { data: { note: 'TWO' } }), op: 'update', complete: false })
  const seen = async () => (await relay.database.query('SELECT note, cdc_extra FROM shop.orders WHERE id = 2'))[0]
  assert.deepEqual(await seen(), { note: 'TWO', cdc_extra: { qty: 5 } })
  await relay.write({ ...dmsPut(2, 4, { data: { qty: null } }), op: 'update', complete: false })
  assert.deepEqual(await seen(), { note: 'TWO', cdc_extra: null })
})

onEachTarget(
  'ignore: what lies in cdc_extra stays there, also where only the values named the column, and after a restart',
  async (t, openRelay) => {
    const relay = await openMade(t, openRelay, 'ignore')
    const { database, write, restart } = relay
    const patch = (version: number, data: Record<string, number | string | null>) => dmsPatch(2, version, { data })
    const seen = async () => (await database.query('SELECT note, cdc_extra FROM shop.orders WHERE id = 2'))[0]
    await write(dmsPut(2, 2, { data: { note: 'two', qty: 5, other: 5 } }))
    for (const version of [3, 4]) {
      await restart()
      await write(patch(version, { note: `at ${version}` }))
      assert.deepEqual(await seen(), { note: `at ${version}`, cdc_extra: { qty: 5, other: 5 } })
    }
    await write(patch(5, { qty: null }))
    assert.deepEqual(await seen(), { note: 'at 4', cdc_extra: { other: 5 } })
  },
)

onEachTarget(
  'stop: what only tells passes; a new column stops with the statement, and nothing is written',
  async (t, openRelay) => {
    const relay = await openMade(t, openRelay, 'stop')
    assert.deepEqual(totals(await relay.write(createTable({ id: 'int32', note: 'text' }, 1), dropTable(1))), [2, 0])
    relay.knows(MORE)
    const change = dmsPut(2, 2, { data: { qty: 5 } })
    const failure = await rejection(relay.write(addColumn({ qty: 'int64' }, 2), change), 'SCHEMA_CHANGE')
    assert.match(failure.detail, /lacks:\n {2}- ALTER TABLE "shop"."orders" ADD COLUMN "qty" bigint;/)
    assert.equal((await relay.database.query('SELECT FROM shop.orders')).length, 1)
    await relay.database.query(/ALTER TABLE .*;/.exec(failure.detail)![0])
    assert.deepEqual(totals(await relay.write(addColumn({ qty: 'int64' }, 2), change)), [2, 0])
  },
)

for (const other of OTHERS) {
  onEachTarget(
    `stop: ${other.op} stops in front of the batch, also where the table was never seen`,
    async (t, openRelay) => {
      const relay = await openMade(t, openRelay, 'stop')
      const failure = await rejection(
        relay.write(dmsPut(2, 2), { ...other, source: { ...other.source, sequence: '77' } }),
        'SCHEMA_CHANGE',
      )
      assert.match(failure.message, new RegExp(`The source table had a ${other.op}.*table shop\\.orders.*sequence 77`))
      assert.equal((await relay.database.query('SELECT FROM shop.orders')).length, 1)
      await rejection(relay.write({ ...other, table: { schema: null, name: 'never seen' } }), 'SCHEMA_CHANGE')
    },
  )
}

onEachTarget(
  'the counts of several tables; the layout document follows in its own way, a log only counts',
  async (t, openRelay) => {
    const others = { schema: 'shop', name: 'others' }
    for (const [options, applied, skipped] of [
      [{ layout: 'document' }, 6, 5],
      [{ mode: 'append' }, 2, 9],
    ] as const) {
      const relay = await openRelay(t, options)
      relay.knows(FIRST, { ...FIRST, name: others })
      const written = await relay.write(
        dmsPut(1, 1),
        ...FOLLOWED,
        { ...OTHERS[0]!, table: others },
        dmsPut(1, 1, { table: others }),
        ...OTHERS.slice(1),
      )
      assert.deepEqual(totals(written), [applied, 0])
      assert.deepEqual([...written.skips!], [['schema-change-not-followed', skipped]])
      assert.deepEqual([...written.tables.keys()].sort(), ['shop.orders', 'shop.others'])
    }
  },
)

onEachTarget('DynamoDB under stop: a new attribute stops, too', async (t, openRelay) => {
  const { write } = await openRelay(t, { layout: 'columns', onSchemaChange: 'stop' })
  await write(put('a', 1, { data: { x: 1 } }))
  const failure = await rejection(write(put('a', 2, { data: { y: 1 } })), 'SCHEMA_CHANGE')
  assert.match(failure.detail, /ADD COLUMN "y" numeric;/)
})

/** `shop.orders` with the columns of FIRST, and one row. */
async function openMade(
  t: TestContext,
  openRelay: OpenRelay,
  onSchemaChange: 'add-only' | 'widen' | 'stop' | 'ignore',
): Promise<TestRelay> {
  const relay = await openRelay(t, { layout: null, onSchemaChange })
  relay.knows(FIRST)
  await relay.write(dmsPut(1, 1, { data: { note: 'one' } }))
  return relay
}

async function columns({ query }: TestDatabase): Promise<string[]> {
  const found = await query<{ line: string }>(
    `SELECT format('%I %s', attname, format_type(atttypid, atttypmod)) AS line FROM pg_attribute
     WHERE attrelid = 'shop.orders'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
  )
  return found.map(({ line }) => line)
}
