import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { connect } from '../../../src/sinks/sql/connect.ts'
import { sqlLetterStore } from '../../../src/sinks/sql/letter-store.ts'
import { onStandInOnly, testCrate } from '../../support/crate/real-crate.ts'
import { greenplumDatabase, withoutStandIn } from '../../support/greenplum/greenplum.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { runProgramAgain } from '../../support/processes/many-runs.ts'

/** What an earlier cdc-relay left, with two dead letters of the relay `shop`: `../sql/earlier/`. */
const EARLIER: readonly {
  readonly title: string
  readonly file: string
  readonly skip: string | false
  readonly url: (t: TestContext) => Promise<string>
}[] = [
  { title: 'postgresql', file: 'postgresql.sql', skip: false, url: async (t) => (await testDatabase(t)).url },
  ...(['6', '7'] as const).map((kind) => ({
    title: `greenplum ${kind}`,
    file: `greenplum-${kind}.sql`,
    skip: withoutStandIn(kind),
    url: async (t: TestContext) => (await greenplumDatabase(t, kind)).url,
  })),
  {
    title: 'cratedb',
    file: 'cratedb.sql',
    skip: onStandInOnly('what is written is visible at once there'),
    async url(t) {
      const crate = await testCrate()
      t.after(() => crate.stop())
      return crate.url
    },
  },
]

for (const { title, file, skip, url: urlOf } of EARLIER) {
  test(`${title}: letters in tables of an earlier version are looked at as they are, and written again`, {
    skip,
  }, async (t) => {
    const url = await urlOf(t)
    const text = readFileSync(new URL(`../sql/earlier/${file}`, import.meta.url), 'utf8')
    for (const statement of text.split(/;\n/).filter((statement) => statement !== '')) await query(url, statement)
    const before = await columns(url)

    const store = sqlLetterStore(await connect(url), 'shop')
    const { letters } = await store.read({}, null, 10)
    await store.close()
    assert.deepEqual(letters.map(({ code, attempts, triedAt, binary }) => [code, attempts, triedAt, binary]).sort(), [
      ['DECODE_NOT_JSON', 0, null, []],
      ['SINK_REFUSED', 0, null, []],
    ])
    const options = ['--sink', url, '--name', 'shop']
    const list = await runProgramAgain(['dead-letters', 'list', ...options])
    assert.equal(list.stdout.trimEnd().split('\n').length, 2, list.stderr)
    assert.deepEqual(await columns(url), before, 'nothing is made by who looks')

    const replayed = await runProgramAgain(['dead-letters', 'replay', ...options])
    const none = { applied: 0, superseded: 0, skipped: 0, gone: 0 }
    assert.deepEqual(JSON.parse(replayed.stdout), { read: 2, failed: 2, ...none }, replayed.stderr)
    const discarded = await runProgramAgain(['dead-letters', 'discard', '--all', '--yes', ...options])
    assert.deepEqual(JSON.parse(discarded.stdout), { discarded: 2 }, discarded.stderr)
  })
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const connection = await connect(url)
  try {
    return (await sql.raw<Record<string, unknown>>(text).execute(connection.db)).rows
  } finally {
    await connection.close()
  }
}

const columns = (url: string): Promise<Record<string, unknown>[]> =>
  query(
    url,
    `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'cdc_relay' ORDER BY table_name, column_name`,
  )
