import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Binary, type Change } from '../../../../src/change.ts'
import { del, dmsDel, dmsMove, dmsPatch, dmsPut, put, sourceTable } from '../../../support/changes.ts'
import { GREENPLUM_KINDS, greenplumDatabase, withoutGreenplum } from '../../../support/greenplum/greenplum.ts'
import { totals } from '../../conformance/answers.ts'
import { openRelay } from '../test-relay.ts'

const MANY = Array.from({ length: 400 }, (_, i) => i)
const ORDERS = sourceTable({ id: 'int32', note: 'text', qty: 'int32' })
const ODD = ['tab\t', 'line\n', 'return\r', 'back\\slash', '\\N', '\\.', 'quote "', 'é😀', '{"k0":1}', '']

for (const kind of GREENPLUM_KINDS) {
  const skip = withoutGreenplum(kind)

  // To Cloudberry goes what goes to 7.
  for (const layout of kind === 'cloudberry' ? [] : (['columns', 'document'] as const)) {
    for (const deletes of ['hard', 'soft'] as const) {
      test(`greenplum ${kind}, ${layout}, deletes ${deletes}: rows, partial images, moves and deletes by COPY`, {
        skip,
      }, async (t) => {
        const database = await greenplumDatabase(t, kind)
        const { knows, write } = await openRelay(t, { layout, deletes }, database)
        knows(ORDERS)
        const from = database.statements().length
        const counted = async (changes: Change[]) => totals(await write(...changes))
        const all = MANY.length

        assert.deepEqual(await counted(MANY.map((id) => dmsPut(id, 10, { data: { note: `n${id}`, qty: 1 } }))), [
          all,
          0,
        ])
        assert.deepEqual(await counted(MANY.map((id) => dmsPut(id, 9, { data: { note: 'old', qty: 0 } }))), [0, all])
        assert.deepEqual(await counted(MANY.map((id) => dmsPatch(id, 20, { data: { qty: 2 } }))), [all, 0])
        const moves = MANY.map((id) => dmsMove({ id }, { id: id + all }, 30, { data: { qty: 3 } }))
        assert.deepEqual(await counted(moves.map((move) => ({ ...move, complete: false }))), [all, 0])
        assert.deepEqual(await counted(MANY.map((id) => dmsPut(id, 29))), [0, all])
        const half = MANY.map((id) => dmsDel(id + all, id % 2 === 0 ? 40 : 29))
        assert.deepEqual(await counted(half), [all / 2, all / 2])

        const qty = layout === 'columns' ? 'qty' : `(data->>'qty')::int`
        const note = layout === 'columns' ? 'note' : `data->>'note'`
        const view = deletes === 'soft' ? 'orders_live' : 'orders'
        const [found] = await database.query(
          `SELECT count(*)::int AS rows, min(${qty}) AS qty, count(DISTINCT ${note})::int AS notes,
            min(id)::int AS first, bool_and(id % 2 = 1) AS odd FROM shop.${view}`,
        )
        assert.deepEqual(found, { rows: all / 2, qty: 3, notes: all / 2, first: all + 1, odd: true })
        const copies = database
          .statements()
          .slice(from)
          .filter((text) => text.startsWith('COPY '))
        assert.ok(copies.length >= 6, `only ${copies.length} went by COPY`)
      })
    }
  }

  test(`greenplum ${kind}: by COPY, keys and rows of any text survive, and keys of any type`, { skip }, async (t) => {
    const database = await greenplumDatabase(t, kind)
    const { write } = await openRelay(t, { layout: 'document' }, database)
    const texts = MANY.map((i) => (i < ODD.length ? ODD[i]! : `${i}`))
    const key = (i: number) => ({ a: texts[i]!, b: i + 0.5, c: Binary.from([i & 255, 92]) as Binary })
    const changes = (make: (i: number) => Change) => write(...MANY.map(make))
    await changes((i) => put(null, 5, { key: key(i), data: { text: texts[i]! } }))
    const rows = await database.query<{ a: string; text: string; b: string; c: Buffer }>(
      `SELECT a, data->>'text' AS text, b, c FROM orders ORDER BY b`,
    )
    assert.deepEqual(
      rows.map(({ a, text, b, c }) => [a, text, Number(b), [...c]]),
      MANY.map((i) => [texts[i]!, texts[i]!, i + 0.5, [i & 255, 92]]),
    )
    // A batch that COPY refuses would be halved.
    assert.deepEqual(
      database.statements().filter((text) => text.startsWith('SAVEPOINT')),
      [],
    )
    assert.deepEqual(totals(await changes((i) => del(null, 6, { key: key(i) }))), [MANY.length, 0])
    assert.deepEqual(totals(await changes((i) => put(null, 5, { key: key(i) }))), [0, MANY.length])
    assert.deepEqual(await database.query('SELECT FROM orders'), [])
  })

  test(`greenplum ${kind}: of rows that go by COPY, one that is refused is found`, { skip }, async (t) => {
    const database = await greenplumDatabase(t, kind)
    const { knows, write } = await openRelay(t, { layout: 'columns', onError: 'dead-letter' }, database)
    knows(ORDERS)
    await write(dmsPut(-1, 1))
    await database.query('ALTER TABLE shop.orders ADD CHECK (qty < 100)')
    const written = await write(...MANY.map((id) => dmsPut(id, 2, { data: { qty: id === 123 ? 100 : 1 } })))
    assert.deepEqual([totals(written), written.deadLettered], [[MANY.length - 1, 0], 1])
    assert.deepEqual(await database.query(`SELECT change->'after'->>'id' AS id FROM cdc_relay.dead_letters`), [
      { id: '123' },
    ])
  })
}

for (const kind of GREENPLUM_KINDS) {
  test(`greenplum ${kind}: a log is added to by COPY, with every text as it is`, {
    skip: withoutGreenplum(kind),
  }, async (t) => {
    const database = await greenplumDatabase(t, kind)
    const { write } = await openRelay(t, { mode: 'append' }, database)
    const texts = ODD.map((text) => text.replaceAll('\0', ''))
    const changes = texts.map((text, i) => put(text, i, { data: { text }, shard: 'a\tb\\N', sequence: `${i}` }))
    assert.deepEqual(totals(await write(...changes, del('gone', 99))), [texts.length + 1, 0])
    const rows = await database.query<{ key: { id: string }; after: { text: string } | null }>(
      'SELECT key, after, shard, expired, event_id FROM orders ORDER BY version',
    )
    assert.deepEqual(rows.at(-1), {
      key: { id: 'gone' },
      after: null,
      shard: 'shard-0',
      expired: null,
      event_id: 'event-99',
    })
    assert.deepEqual(
      rows.slice(0, -1),
      texts.map((text, i) => ({
        key: { id: text },
        after: { id: text, text },
        shard: 'a\tb\\N',
        expired: null,
        event_id: `event-${i}`,
      })),
    )
    assert.ok(database.statements().some((text) => /^COPY "public"."orders" /.test(text)))
    assert.ok(!database.statements().some((text) => /INSERT INTO "public"."orders"/.test(text)))
  })
}
