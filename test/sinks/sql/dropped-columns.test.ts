import assert from 'node:assert/strict'
import { listening } from '../../observe/said.ts'
import { dmsPut, sourceTable } from '../../support/changes.ts'
import { onEachTarget } from './each-target.ts'

onEachTarget(
  'a column that is dropped in the target is made again, and a warning names the rows that lack its values',
  async (t, openRelay) => {
    const { log, said } = listening()
    const { database, knows, write } = await openRelay(t, { layout: null, log })
    knows(sourceTable({}))
    const row = (id: number, version: number) => dmsPut(id, version, { data: { note: `note ${id}` } })
    await write(row(1, 1))
    said.length = 0
    await database.query('ALTER TABLE shop.orders DROP COLUMN note CASCADE')
    await write(row(2, 2))
    await write(row(3, 3))
    assert.deepEqual(await database.query('SELECT id::int AS id, note FROM shop.orders ORDER BY id'), [
      { id: 1, note: null },
      { id: 2, note: 'note 2' },
      { id: 3, note: 'note 3' },
    ])
    const told = said.filter(({ level }) => level === 'warn')
    assert.deepEqual(
      told.map(({ fields }) => fields),
      [{ code: 'COLUMNS_MADE_AGAIN', source: 'shop.orders', table: 'shop.orders', columns: ['note'] }],
    )
    assert.match(
      told[0]!.message,
      /^Made columns that .* the target lacked: .* Rows written until now lack their values/,
    )
  },
)
