import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startCrate } from '../../support/crate/crate.ts'
import { startRelay } from '../../support/processes/relay-process.ts'
import { gpssPlace } from '../../support/targets/gpss-target.ts'
import { dmsTable, dynamodbInsert } from './records.ts'
import { feedInto } from './relayed.ts'

/** Cases from public reports, as in postgresql.test.ts: other targets, and what a look at a file shows. */

test('W28: through GPSS, a column of an enum outside of the search path', async (t) => {
  const place = await gpssPlace()
  t.after(place.close)
  await place.database.query(`CREATE SCHEMA g_enum; CREATE TYPE g_enum.mood AS ENUM ('sad', 'ok');
    CREATE TABLE g_enum.x (id int PRIMARY KEY, v g_enum.mood)`)
  const feed = await feedInto(t, place.url)
  const x = dmsTable('g_enum', 'x')
  const create = x.create({ id: 'INT32', v: 'STRING' }, ['id'])
  const rows = [x.load({ id: 1, v: 'ok' }), x.load({ id: 2, v: 'angry' }), x.load({ id: 3, v: null })]
  const state = ['--state', `file:${join(feed.folder, 'state.json')}`]
  const { exitCode, log } = await feed.relay(
    [create, ...rows],
    [...state, '--dead-letters', `file:${join(feed.folder, 'dead-letters.jsonl')}`],
  )
  assert.equal(exitCode, 0, log)
  assert.deepEqual(await place.database.query('SELECT id, v::text, cdc_extra FROM g_enum.x ORDER BY id'), [
    { id: 1, v: 'ok', cdc_extra: null },
    { id: 2, v: null, cdc_extra: { v: 'angry' } },
    { id: 3, v: null, cdc_extra: null },
  ])
})

for (const type of ['ARRAY(INTEGER)', 'ARRAY(OBJECT)', 'FLOAT_VECTOR(2)']) {
  test(`W29: a table of the user in CrateDB with a column ${type} of the name of a source column`, async (t) => {
    const crate = await startCrate()
    t.after(() => crate.stop())
    crate.query(`CREATE TABLE doc.x (id INTEGER PRIMARY KEY, v ${type})`)
    const feed = await feedInto(t, crate.url)
    const x = dmsTable('doc', 'x')
    const rows = [x.load({ id: 1, v: '{1,2}' }), x.load({ id: 2, v: 'text' }), x.load({ id: 3, v: null })]
    const { exitCode, summary, log } = await feed.relay([x.create({ id: 'INT32', v: 'STRING' }, ['id']), ...rows])
    assert.equal(exitCode, 0, log)
    assert.equal(summary.deadLettered, 0)
    crate.query('REFRESH TABLE doc.x')
    const [first, second, third] = crate.query('SELECT id, cdc_extra FROM doc.x ORDER BY id')
    assert.deepEqual(
      [first, second, third].map((row) => Number(row!.id)),
      [1, 2, 3],
    )
    assert.match(JSON.stringify(first!.cdc_extra), /\{1,2\}/)
    assert.match(JSON.stringify(second!.cdc_extra), /text/)
    assert.equal(third!.cdc_extra, null)
  })
}

test('U07: null under the type S, as in a public sample', async (t) => {
  const feed = await feedInto(t, 'jsonl:-')
  const item = dynamodbInsert(
    'foo',
    { id: { S: 'a' } },
    { null_string: { S: null }, empty: { S: '' }, ns: { NS: [1, 0.34] } },
  )
  await writeFile(join(feed.folder, 'in.jsonl'), `${item}\n{"eventSource": "foo:bar"}\n`)
  const args = [
    'run',
    '--source',
    `file:${join(feed.folder, 'in.jsonl')}`,
    '--sink',
    'jsonl:-',
    '--dynamodb-binary',
    'single',
  ]
  const { exitCode, stdout, stderr } = await startRelay(args).ended
  assert.equal(exitCode, 0, stderr)
  const [change] = stdout.trim().split('\n')
  const { after } = JSON.parse(change!) as { after: Record<string, unknown> }
  assert.deepEqual(after, { id: 'a', null_string: null, empty: '', ns: [0.34, 1] })
})

test('U08: an answer of `aws kinesis get-records`, as it is', async (t) => {
  const feed = await feedInto(t, 'jsonl:-')
  const records = [1, 2, 3].map((n) => ({
    SequenceNumber: `4963075492029714631804206476512837201234114137908943262${n}`,
    ApproximateArrivalTimestamp: '2022-06-24T14:18:58.894000+09:00',
    Data: Buffer.from(dynamodbInsert('kinesis-test', { id: { S: `${n}` } })).toString('base64'),
    PartitionKey: 'D1174FF2F6189C4B8B91C573346158AD',
  }))
  const answer = { Records: records, NextShardIterator: 'AAAA', MillisBehindLatest: 0 }
  await writeFile(join(feed.folder, 'answer.json'), JSON.stringify(answer, null, 4))
  const { exitCode, stdout, stderr } = await startRelay([
    'run',
    '--source',
    `file:${join(feed.folder, 'answer.json')}`,
    '--sink',
    'jsonl:-',
  ]).ended
  assert.equal(exitCode, 0, stderr)
  const changes = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { key: object; source: { sequence: string } })
  assert.deepEqual(
    changes.map(({ key }) => key),
    [{ id: '1' }, { id: '2' }, { id: '3' }],
  )
  assert.deepEqual(
    changes.map(({ source }) => source.sequence),
    records.map(({ SequenceNumber }) => SequenceNumber),
  )
})
