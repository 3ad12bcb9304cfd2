import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SourceTable } from '../../../src/batch.ts'
import type { Change } from '../../../src/change.ts'
import { postgresStyle } from '../../../src/sinks/sql/postgresql/tables.ts'
import { boundColumns } from '../../../src/sinks/tables/bound-columns.ts'
import { desiredColumns } from '../../../src/sinks/tables/desired-columns.ts'
import type { Column, Relation } from '../../../src/sinks/tables/relation.ts'
import { dmsPut, put, sourceTable } from '../../support/changes.ts'

const integer = (name: string): Column => ({
  name,
  type: 'integer',
  baseType: 'int4',
  modifier: -1,
  notNull: false,
  filled: false,
  generated: null,
  collation: null,
  underlying: { name: 'int4', sql: 'integer', modifier: -1, kind: 'b' },
})

const RELATION: Relation = { kind: 'r', columns: [integer('id'), integer('n')], uniques: [], foreignKeys: [] }

/** The token of the text `42` in an integer column that is bound for the change. */
function tokenOf42(change: Change, known: SourceTable | null): string | undefined {
  const style = postgresStyle('hard')
  const evidence = { known, changes: [change], remembered: [] }
  const desired = desiredColumns(evidence, () => new Map(), style)!
  const target = { source: 'shop.orders', schema: 'shop', name: 'orders' }
  return boundColumns(target, desired, RELATION, known, style).values[0]!.encode('42')
}

const data = { n: '42' }

test('whether text is read as the type of its column the table says, or else the changes, whoever defines the table', () => {
  assert.equal(tokenOf42(dmsPut(1, 1, { data }), sourceTable({ id: 'int32', n: 'int32' })), '42')
  assert.equal(tokenOf42(dmsPut(1, 1, { data }), null), '42')
  assert.equal(tokenOf42(put(1, 1, { data }), null), undefined)
  assert.equal(tokenOf42(put(1, 1, { data }), sourceTable({}, { values: 'typed' })), undefined)
})
