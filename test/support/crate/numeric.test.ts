import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCrate } from './crate.ts'

test('INSERT … SELECT takes all NUMERICs for one type, and misplaces the point of one of another scale', async (t) => {
  const crate = await startCrate()
  t.after(crate.stop)
  crate.query('CREATE TABLE prices (id BIGINT PRIMARY KEY, price NUMERIC(38, 10))')
  crate.query("INSERT INTO prices (id, price) (SELECT 1, '1.5'::numeric)")
  crate.query("INSERT INTO prices (id, price) (SELECT 2, '1.5'::numeric(38, 10))")
  crate.query("INSERT INTO prices (id, price) VALUES (3, '1.5'::numeric)")
  crate.query('INSERT INTO prices (id, price) VALUES (4, 0)')
  crate.query('REFRESH TABLE prices')
  const rows = crate.query('SELECT price::text AS p FROM prices ORDER BY id') as { p: string }[]
  assert.deepEqual(
    rows.map(({ p }) => p),
    ['1.5E-9', '1.5000000000', '1.5000000000', '0E-10'],
  )
})
