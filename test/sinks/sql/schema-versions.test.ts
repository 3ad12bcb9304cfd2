import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { connect } from '../../../src/sinks/sql/connect.ts'
import { CRATE_STEPS } from '../../../src/sinks/sql/cratedb/state/schema.ts'
import { KERNEL_6, KERNEL_7 } from '../../../src/sinks/sql/greenplum/kernel.ts'
import { greenplumSteps } from '../../../src/sinks/sql/greenplum/schema.ts'
import { POSTGRES_STEPS } from '../../../src/sinks/sql/postgresql/schema.ts'
import { onStandInOnly, testCrate } from '../../support/crate/real-crate.ts'
import { greenplumDatabase, withoutStandIn } from '../../support/greenplum/greenplum.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { runProgramAgain } from '../../support/processes/many-runs.ts'

/*
 * Targets that an earlier cdc-relay wrote, made here from the SQL that it sent and the rows that it left (`earlier/`), and
 * this cdc-relay, which goes on with them.
 */

interface Target {
  readonly url: string
  run(statement: string): Promise<void>
  /** Each row as the texts of its columns. */
  rows(query: string): Promise<string[]>
  /** Before another process opens it. */
  release?(): Promise<void>
}

interface Earlier {
  readonly title: string
  readonly file: string
  /** The version that this cdc-relay knows. */
  readonly version: number
  readonly skip?: string | false
  open(t: TestContext): Promise<Target>
}

const EARLIER: readonly Earlier[] = [
  {
    title: 'postgresql',
    file: 'postgresql.sql',
    version: POSTGRES_STEPS.length,
    open: async (t) => sqlTarget((await testDatabase(t)).url),
  },
  { title: 'pglite', file: 'postgresql.sql', version: POSTGRES_STEPS.length, open: pgliteTarget },
  ...(
    [
      ['6', KERNEL_6],
      ['7', KERNEL_7],
    ] as const
  ).map(
    ([kind, kernel]): Earlier => ({
      title: `greenplum ${kind}`,
      file: `greenplum-${kind}.sql`,
      version: greenplumSteps(kernel).length,
      skip: withoutStandIn(kind),
      open: async (t) => sqlTarget((await greenplumDatabase(t, kind)).url),
    }),
  ),
  {
    title: 'cratedb',
    file: 'cratedb.sql',
    version: CRATE_STEPS.length,
    skip: onStandInOnly('its tables are made as the stand-in takes them'),
    open: crateTarget,
  },
]

const at = (time: string, operation: string, data: object): string =>
  JSON.stringify({
    data,
    metadata: {
      timestamp: `2026-01-01T${time}.000000Z`,
      'record-type': 'data',
      operation,
      'partition-key-type': 'schema-table',
      'schema-name': 'shop',
      'table-name': 'orders',
    },
  })

const item = (version: number, id: string, n: string): string =>
  JSON.stringify({
    awsRegion: 'eu-central-1',
    eventID: `${version}`,
    eventName: 'MODIFY',
    userIdentity: null,
    recordFormat: 'application/json',
    tableName: 'devices',
    dynamodb: {
      ApproximateCreationDateTime: 1_767_300_000_000_000 + version,
      ApproximateCreationDateTimePrecision: 'MICROSECOND',
      Keys: { id: { S: id } },
      NewImage: { id: { S: id }, n: { N: n } },
      SizeBytes: 9,
    },
    eventSource: 'aws:dynamodb',
  })

/** Behind `feed.jsonl`. No record says what the key of orders is. */
const MORE_ORDERS = [
  at('20:45:00', 'update', { id: 3, price: 3.25 }),
  at('20:45:01', 'insert', { id: 4, name: 'four' }),
  // Older than the delete of that row.
  at('20:42:04', 'update', { id: 2, name: 'two, late', price: 2.75 }),
]
const MORE_DEVICES = [item(20, 'a', '2'), item(5, 'b', '3'), 'no record either']

for (const { title, file, version, skip = false, open } of EARLIER) {
  test(`${title}: a target that was written before versions were recorded is gone on with`, { skip }, async (t) => {
    const target = await open(t)
    const feed = await written(t, target, file)
    const summary = await goesOn(target, feed, [...MORE_ORDERS, ...MORE_DEVICES])
    assert.deepEqual(
      {
        read: summary.read,
        applied: summary.applied,
        superseded: summary.superseded,
        deadLettered: summary.deadLettered,
      },
      { read: 6, applied: 3, superseded: 2, deadLettered: 1 },
    )
    const { rows } = target
    assert.deepEqual(await rows('SELECT name, version FROM cdc_relay.schema_version'), [`cdc_relay ${version}`])
    assert.deepEqual(await rows('SELECT name, claim FROM cdc_relay.relays'), ['shop 2'])
    assert.deepEqual(await rows('SELECT code FROM cdc_relay.dead_letters ORDER BY 1'), [
      'DECODE_NOT_JSON',
      'DECODE_NOT_JSON',
      'SINK_REFUSED',
    ])
    const orders = title === 'cratedb' ? 'shop.orders_live' : 'shop.orders'
    assert.deepEqual(await rows(`SELECT id, name, price, cdc_version FROM ${orders} ORDER BY id`), [
      '1 one 1.75 1767300124000000',
      '3 three 3.25 1767300300000000',
      '4 four null 1767300301000000',
    ])
    const devices = title === 'cratedb' ? 'devices_live' : 'devices'
    assert.deepEqual(await rows(`SELECT id, cdc_version FROM ${devices}`), ['a 1767300000000020'])
  })
}

test('postgresql: a target from before anything was learned gets what it lacks', async (t) => {
  const target = await EARLIER[0]!.open(t)
  const feed = await written(t, target, 'postgresql.sql')
  await target.run('DROP TABLE cdc_relay.lessons')
  await target.run('ALTER TABLE cdc_relay.tables DROP COLUMN columns')
  const { applied, superseded } = await goesOn(target, feed, MORE_DEVICES)
  assert.deepEqual({ applied, superseded }, { applied: 1, superseded: 1 })
  assert.deepEqual(await target.rows('SELECT version FROM cdc_relay.schema_version'), [`${POSTGRES_STEPS.length}`])
  assert.deepEqual(await target.rows(`SELECT columns FROM cdc_relay.tables WHERE source = 'devices'`), ['[]'])
  assert.deepEqual(await target.rows('SELECT count(*) FROM cdc_relay.lessons'), ['0'])
})

/** Makes the target what it was. Resolves to the path of what was read then. */
async function written(t: TestContext, target: Target, file: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-earlier-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const feed = join(folder, 'feed.jsonl')
  copyFileSync(new URL('earlier/feed.jsonl', import.meta.url), feed)
  const text = readFileSync(new URL(`earlier/${file}`, import.meta.url), 'utf8').replace("'FEED'", `'${feed}'`)
  for (const statement of text.split(/;\n/).filter((statement) => statement !== '')) await target.run(statement)
  return feed
}

interface Summary {
  readonly read: number
  readonly applied: number
  readonly superseded: number
  readonly deadLettered: number
}

/** Adds records to the feed and runs the program, to the end of the feed. */
async function goesOn(target: Target, feed: string, records: readonly string[]): Promise<Summary> {
  appendFileSync(feed, records.map((record) => `${record}\n`).join(''))
  await target.release?.()
  const args = ['run', '--source', `file:${feed}`, '--sink', target.url, '--name', 'shop']
  const { exitCode, stdout, stderr } = await runProgramAgain(args)
  assert.equal(exitCode, 0, stderr)
  return JSON.parse(stdout) as Summary
}

function sqlTarget(url: string): Target {
  return withConnection(url, async (text, work) => {
    const connection = await connect(url)
    try {
      return work((await sql.raw<Record<string, unknown>>(text).execute(connection.db)).rows)
    } finally {
      await connection.close()
    }
  })
}

async function pgliteTarget(t: TestContext): Promise<Target> {
  const folder = await pgliteFolder()
  t.after(folder.empty)
  const target = withConnection(folder.url, async (text, work) => work(await folder.query(text)))
  return { ...target, release: folder.release }
}

async function crateTarget(t: TestContext): Promise<Target> {
  const crate = await testCrate()
  t.after(() => crate.stop())
  return withConnection(crate.url, async (text, work) => work(crate.query(text)))
}

type Ask = <T>(text: string, work: (rows: readonly Record<string, unknown>[]) => T) => Promise<T>

function withConnection(url: string, ask: Ask): Target {
  return {
    url,
    run: (statement) => ask(statement, () => {}),
    rows: (query) => ask(query, (rows) => rows.map((row) => Object.values(row).map(textOf).join(' '))),
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' && /^\d+\.\d+$/.test(value)
    ? String(Number(value))
    : Array.isArray(value)
      ? JSON.stringify(value)
      : String(value)
