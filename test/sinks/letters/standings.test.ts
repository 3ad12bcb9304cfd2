import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { DeadLetter, StreamChange } from '../../../src/change.ts'
import { connect } from '../../../src/sinks/sql/connect.ts'
import { sqlLetterStore } from '../../../src/sinks/sql/letter-store.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import {
  at,
  batchOf,
  claimOf,
  del,
  dmsDel,
  dmsMove,
  dmsPut,
  knownTables,
  put,
  sourceTable,
} from '../../support/changes.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { sqlSinkOf } from '../../support/targets/sql-target.ts'
import { raw, refused } from './conformance.ts'

interface Life {
  readonly changes: readonly StreamChange[]
  readonly letters: readonly DeadLetter[]
  readonly facts?: Readonly<Record<string, string>>
  readonly sink?: Partial<SqlSinkOptions>
}

/** What a relay did, and kept → how each letter stands, by the sequence number of its record. */
async function standings(
  url: string,
  { changes, letters, facts = {}, sink = {} }: Life,
): Promise<Record<string, string>> {
  const target = sqlSinkOf({ url, onError: 'dead-letter', ...sink })
  const signal = AbortSignal.timeout(30_000)
  try {
    await target.open(claimOf(), signal)
    const tables = knownTables(sourceTable({ id: 'int32', at: 'int64' }))
    const positions = at({ 'shard-0': '1' })
    const batch = { changes, tables, deadLetters: letters, facts: new Map(Object.entries(facts)), positions }
    await target.prepare(batchOf(batch))(signal)
  } finally {
    await target.close()
  }
  const store = sqlLetterStore(await connect(url), 'relay')
  try {
    const kept = await store.list({}, null, 100)
    const found = await store.standings!(kept.letters.map(({ id }) => id))
    return Object.fromEntries(kept.letters.map(({ id, source }) => [source.sequence, found.get(id) ?? 'not known']))
  } finally {
    await store.close()
  }
}

for (const [title, place, skip] of [
  ['postgresql', (t: TestContext) => testDatabase(t), false],
  ['greenplum 6', (t: TestContext) => greenplumDatabase(t, '6'), withoutGreenplum('6')],
] as const) {
  test(`${title}: a letter is open until its key holds something as new`, { skip }, async (t) => {
    const { url } = await place(t)
    const changes = [
      put('newer', 9),
      put('same', 5),
      put('older', 1),
      put('gone', 2),
      del('gone', 9, { sequence: '10' }),
    ]
    const letters = ['newer', 'same', 'older', 'gone', 'missing'].map((id, i) =>
      refused(put(id, 5, { sequence: String(i + 1) })),
    )
    assert.deepEqual(await standings(url, { changes, letters: [...letters, raw('6')] }), {
      1: 'healed',
      2: 'healed',
      3: 'open',
      4: 'healed',
      5: 'open',
      6: 'not known',
    })
  })

  test(`${title}: where images may lack columns, a newer row says nothing, and a delete does`, { skip }, async (t) => {
    const { url } = await place(t)
    const changes = [dmsPut(1, 9), dmsPut(2, 2), dmsDel(2, 9), dmsPut(3, 1)]
    const letters = [
      refused(dmsPut(1, 5, { sequence: '1' })),
      refused(dmsPut(2, 5, { sequence: '2' })),
      refused(dmsPut(3, 5, { sequence: '3' })),
      refused(dmsMove({ id: 1 }, { id: 3 }, 5, { sequence: '4' })),
      refused(dmsPut(99999999999, 5, { sequence: '5' })),
      refused({ ...dmsPut(1, 5, { sequence: '6' }), key: null }),
    ]
    const sink = { layout: 'columns' } as const
    const found = { 2: 'healed', 3: 'open', 4: 'not known', 5: 'not known', 6: 'not known' }
    const life = { changes, letters, sink, facts: { 'sends-nulls': 'true' } }
    assert.deepEqual(await standings(url, life), { 1: 'not known', ...found })
    const { url: another } = await place(t)
    assert.deepEqual(await standings(another, { changes, letters, sink }), { 1: 'healed', ...found })
  })

  test(`${title}: of a log nothing is known`, { skip }, async (t) => {
    const { url } = await place(t)
    const life = { changes: [put('a', 9)], letters: [refused(put('a', 5))], sink: { mode: 'append' } as const }
    assert.deepEqual(await standings(url, life), { 5: 'not known' })
  })
}
