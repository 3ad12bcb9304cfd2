import assert from 'node:assert/strict'
import { Binary, type Change, Numeric } from '../../../src/change.ts'
import { canonicalJson, createTable, del, dropTable, put, row } from '../../support/changes.ts'
import type { Suite } from './suite.ts'
import { plain } from './test-relay.ts'

/** Images, keys and names as the source has them. */
export function describeRows({ sink, counts: shown, kept, columnOf, bytesText }: Suite): void {
  sink('the whole image replaces the row', async (relay) => {
    await relay.write(put('a', 1, { data: { gone: 1, kept: null, nested: { list: [1, 'x', null, { deep: true }] } } }))
    const after = row({ id: 'a', kept: null, nested: { list: [null] } })
    await relay.write({ ...put('a', 2), after })
    assert.deepEqual(await relay.rows('orders'), [{ key: { id: 'a' }, data: kept(after), version: '2' }])
  })

  sink('what the stream carries survives: digits, bytes, odd text, odd names', async (relay) => {
    const data = {
      big: new Numeric('12345678901234567890123456789012345678'),
      small: new Numeric('-0.00000000000000000000000000000000000001'),
      bytes: Binary.from([0, 1, 254, 255]) as Binary,
      text: `quote " backslash \\ tab \t line \n \u2028 ${String.fromCodePoint(0x1f600)} \u0001`,
      'a.b "c" $1 ? :x': [new Numeric('9007199254740993'), 0.1, -5, ''],
      __proto__x: 1,
    }
    const after = row({ ...data, ['__proto__']: 'own', id: 'a' })
    await relay.write({ ...put('a', 1), after })
    assert.deepEqual(await relay.rows('orders'), [
      { key: { id: 'a' }, data: canonicalJson(JSON.stringify(after)), version: '1' },
    ])
  })

  sink('keys are told apart exactly as the source tells them apart', async (relay) => {
    const pair = (a: string, b: string): Change => put(null, 1, { table: 'pairs', key: { a, b } })
    const counts = await relay.writeAll([
      [put('A', 1), put('a', 1), put('a ', 1), put('á', 1), put('', 1)],
      [pair('a', 'bc'), pair('ab', 'c'), pair('1:a', 'b'), pair('1', ':ab')],
      [
        put(1, 1, { table: 'numbers', data: {} }),
        put(new Numeric('1'), 2, { table: 'numbers', data: {} }),
        put(1e21, 1, { table: 'numbers', data: {} }),
        put(new Numeric('1000000000000000000000'), 2, { table: 'numbers', data: {} }),
        put(new Numeric('0.1234567890123456789012345678'), 1, { table: 'numbers', data: {} }),
        put(-1e-7, 1, { table: 'numbers', data: {} }),
      ],
      [put(bytes(1, 2), 1, { table: 'blobs', data: {} }), put(bytes(1, 2), 2, { table: 'blobs', data: {} })],
    ])
    assert.deepEqual(counts, [
      [5, 0],
      [4, 0],
      [4, 2],
      [1, 1],
    ])
    const keys = async (table: string): Promise<string[]> =>
      (await relay.rows(table)).map(({ key, version }) => `${Object.values(key).join('|')}@${version}`).sort()
    assert.deepEqual(await keys('orders'), ['@1', 'A@1', 'a @1', 'a@1', 'á@1'])
    assert.deepEqual(await keys('pairs'), ['1:a|b@1', '1|:ab@1', 'ab|c@1', 'a|bc@1'].sort())
    assert.deepEqual(await keys('numbers'), [
      '-0.0000001@1',
      '0.1234567890123456789012345678@1',
      '1000000000000000000000@2',
      '1@2',
    ])
    assert.deepEqual(await keys('blobs'), [`${bytesText(bytes(1, 2))}@2`])
  })

  sink('deletes of number and binary keys', async (relay) => {
    await relay.writeAll([
      [put(new Numeric('1.5'), 1, { table: 'numbers' }), put(bytes(7), 1, { table: 'blobs' })],
      [del(1.5, 3, { table: 'numbers' }), del(bytes(7), 3, { table: 'blobs' })],
      [put(1.5, 2, { table: 'numbers' }), put(bytes(7), 2, { table: 'blobs' })],
    ])
    assert.deepEqual(await relay.rows('numbers'), [])
    assert.deepEqual(await relay.rows('blobs'), [])
  })

  sink('several tables with odd names, and odd key attributes', async (relay) => {
    const long = 'ä'.repeat(40)
    const tables = ['Orders', 'orders', 'a.b', 'q"uo\'te', '__proto__', 'select', ' ', `${long}1`, `${long}2`]
    const attributes = ['Id', 'a.b', 'q"uote', '__proto__', 'data', 'cdc_version', 'ctid', 'key', `${long}x`]
    const changes = tables.map((table, i) =>
      put(null, i + 1, { table, key: { [attributes[i]!]: `key ${i}` }, data: { table } }),
    )
    assert.deepEqual(await relay.write(...changes), [tables.length, 0])
    const late = changes.map((change) => ({ ...change, op: 'delete' as const, after: null, version: '1' }))
    assert.deepEqual(shown(await relay.write(...late)), shown([1, tables.length - 1]))
    assert.deepEqual(await relay.rows(tables[0]!), [])
    for (const [i, table] of tables.entries()) {
      if (i === 0) continue
      const { key, after } = changes[i]!
      const expected = { [columnOf(Object.keys(key!)[0]!)]: `key ${i}` }
      assert.deepEqual(
        await relay.rows(table),
        [
          {
            key: Object.assign(Object.create(null), expected),
            data: canonicalJson(JSON.stringify(after)),
            version: `${i + 1}`,
          },
        ].map(plain),
        table,
      )
    }
  })

  sink('a table of a schema of its source', async (relay) => {
    await relay.write(put('a', 1, { table: { schema: 'shop', name: 'orders' } }), put('b', 1))
    assert.deepEqual(
      (await relay.rows({ schema: 'shop', name: 'orders' })).map(({ key }) => key.id),
      ['a'],
    )
    assert.deepEqual(
      (await relay.rows('orders')).map(({ key }) => key.id),
      ['b'],
    )
  })

  sink('many rows in one batch, and again', async (relay) => {
    const ids = Array.from({ length: 3000 }, (_, i) => `id-${i}`)
    assert.deepEqual(await relay.write(...ids.map((id) => put(id, 2))), [3000, 0])
    const changes = ids.map((id, i) => (i % 3 === 0 ? put(id, 1) : i % 3 === 1 ? put(id, 3) : del(id, 3)))
    assert.deepEqual(shown(await relay.write(...changes)), shown([2000, 1000]))
    assert.equal((await relay.rows('orders')).length, 2000)
  })

  sink('schema changes are counted as applied of their table', async (relay) => {
    assert.deepEqual(await relay.write(createTable({ id: 'text', at: 'int64' }, 1)), one)
    const table = { schema: 'shop', name: 'orders' }
    assert.deepEqual(await relay.write(put('a', 2, { table }), createTable({ id: 'text' }, 1), put('b', 2)), [3, 0])
    assert.deepEqual(await relay.write(dropTable(1)), one)
    assert.deepEqual(
      (await relay.rows(table)).map(({ key }) => key.id),
      ['a'],
    )
  })
}

const bytes = (...values: number[]): Binary => Binary.from(values) as Binary
const one: [number, number] = [1, 0]
