import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import type { Batch } from '../../../src/batch.ts'
import type { DeadLetter } from '../../../src/change.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { connect } from '../../../src/sinks/sql/connect.ts'
import { sqlStateStore } from '../../../src/sinks/sql/state-store.ts'
import { batchOf, put, unclaimedOf } from '../../support/changes.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { cratePlace } from '../../support/targets/crate-target.ts'
import { sqlSinkOf } from '../../support/targets/sql-target.ts'
import { rejection, totals } from '../conformance/answers.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)
const FACTS = new Map([['table shop.orders', '{"version":1}']])

const LETTER: DeadLetter = {
  kind: 'dead-letter',
  code: 'DECODE_NOT_TEXT',
  detail: 'not text',
  raw: new Uint8Array([255]),
  source: { format: 'unknown', stream: 'changes', shard: 'shard-0', sequence: '7' },
}

interface Place {
  readonly url: string
  readonly deletes: 'hard' | 'soft'
  query(text: string): Promise<readonly Record<string, unknown>[]>
}

const PLACES: readonly { name: string; skip: string | false; open(t: TestContext): Promise<Place> }[] = [
  { name: 'postgresql', skip: false, open: async (t) => ({ ...(await testDatabase(t)), deletes: 'hard' }) },
  ...(['6', '7'] as const).map((kind) => ({
    name: `greenplum ${kind}`,
    skip: withoutGreenplum(kind),
    open: async (t: TestContext) => ({ ...(await greenplumDatabase(t, kind)), deletes: 'hard' as const }),
  })),
  {
    name: 'cratedb',
    skip: false,
    async open(t) {
      const place = await cratePlace(null)
      t.after(place.close)
      return { ...place, deletes: 'soft' }
    },
  },
]

/** What a process of the name may be about to write when somebody removes it. */
const BATCHES: Readonly<Record<string, Partial<Batch>>> = {
  'rows of a table that it knows': { changes: [put('b', 2)] },
  'rows of a new table': { changes: [put('b', 2, { table: 'others' })] },
  'a dead letter': { deadLetters: [LETTER] },
  facts: { facts: FACTS },
}

for (const { name, skip, open } of PLACES) {
  for (const mode of ['mirror', 'append'] as const) {
    test(`${name}, ${mode}: a name that somebody removed stops each of its processes at its next batch, and says what to do`, {
      skip,
    }, async (t) => {
      const place = await open(t)
      const kinds = Object.keys(BATCHES)
      const processes = await Promise.all(kinds.map(() => openProcess(t, place, mode)))
      for (const sink of processes) await write(sink, { changes: [put('a', 1)] })
      await place.query('DELETE FROM cdc_relay.relays')
      const before = await contents(place)

      for (const [i, kind] of kinds.entries()) await refused(processes[i]!, BATCHES[kind]!, kind)
      await rejection(processes[0]!.readFacts!(), 'STATE_REMOVED')
      assert.deepEqual(await contents(place), before, 'nothing is written')
      assert.deepEqual(await place.query('SELECT name FROM cdc_relay.relays'), [], 'nor is the name entered again')

      const again = await openProcess(t, place, mode)
      await write(again, { ...BATCHES['rows of a table that it knows'], ...BATCHES.facts })
      assert.deepEqual(await again.readFacts!(), FACTS)
      await refused(
        processes[0]!,
        BATCHES['rows of a table that it knows']!,
        'once another process entered the name again',
      )
    })
  }
}

test('pglite as the state store of a target without one: a name that somebody removed is not entered again', async (t) => {
  const folder = await pgliteFolder()
  await folder.release()
  const connection = await connect(folder.url)
  const store = sqlStateStore(connection)
  t.after(() => store.close().then(folder.empty))
  const shared = store.shared!
  await shared.join(unclaimedOf())
  await shared.merge(FACTS)
  await sql`DELETE FROM cdc_relay.relays`.execute(connection.db)
  await rejection(shared.merge(FACTS), 'STATE_REMOVED')
  await rejection(shared.read(), 'STATE_REMOVED')
  assert.equal((await shared.join(unclaimedOf())).size, 0)
  await shared.merge(FACTS)
  assert.deepEqual(await shared.read(), FACTS)
})

async function openProcess(t: TestContext, { url, deletes }: Place, mode: 'mirror' | 'append'): Promise<Sink> {
  const sink = sqlSinkOf({ url, deletes, mode, onError: 'dead-letter' })
  t.after(() => sink.close())
  await sink.open(unclaimedOf({ settings: { mode } }), signal())
  return sink
}

async function write(sink: Sink, parts: Partial<Batch>): Promise<void> {
  totals(await sink.prepare(batchOf(parts))(signal()))
}

async function refused(sink: Sink, parts: Partial<Batch>, kind: string): Promise<void> {
  const { message } = await rejection(sink.prepare(batchOf(parts))(signal()), 'STATE_REMOVED')
  assert.match(message, /removed .*cdc_relay\.relays.*\brelay relay\b.*start each process/, kind)
}

/** Rows of all tables that may have been written. */
async function contents({ query }: Place): Promise<unknown[]> {
  const tables = await query(
    `SELECT table_name FROM information_schema.tables WHERE table_name IN ('orders', 'others') AND table_schema <> 'cdc_relay'`,
  )
  const found: unknown[] = [tables]
  for (const table of [
    ...tables.map(({ table_name }) => table_name),
    'cdc_relay.dead_letters',
    'cdc_relay.tables',
    'cdc_relay.lessons',
  ])
    found.push([table, await query(`SELECT count(*) AS count FROM ${table}`)])
  return found
}
