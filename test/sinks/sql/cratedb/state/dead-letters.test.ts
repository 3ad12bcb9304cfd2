import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type DeadLetter, Numeric, recordToJson } from '../../../../../src/change.ts'
import { connect } from '../../../../../src/sinks/sql/connect.ts'
import type { Connection } from '../../../../../src/sinks/sql/connection.ts'
import { keepDeadLetters } from '../../../../../src/sinks/sql/cratedb/state/dead-letters.ts'
import { ensureSchema } from '../../../../../src/sinks/sql/cratedb/state/migration.ts'
import { put } from '../../../../support/changes.ts'
import type { Crate } from '../../../../support/crate/crate.ts'
import { onStandInOnly, testCrate } from '../../../../support/crate/real-crate.ts'

test('what a dead letter holds is kept exactly, whatever it is', async (t) => {
  const { crate, connection } = await place(t)
  const raw = Uint8Array.from({ length: 70_000 }, (_, i) => i * 7)
  const digits = '12345678901234567890123456789012345.678'
  const change = put('a', 7, { data: { ['__proto__']: new Numeric(digits), text: '\0 \ud800 "\\ {},NULL' } })
  await keepDeadLetters(connection.db, 'relay', [
    { kind: 'dead-letter', code: 'DECODE_NOT_JSON', detail: 'it is "no\\" JSON, \0 {NULL}', raw, source: SOURCE },
    { kind: 'dead-letter', code: 'SINK_REFUSED', detail: 'x'.repeat(40_000), change, source: change.source },
  ])
  const [first, second] = crate.query('SELECT * FROM "cdc_relay"."dead_letters" ORDER BY "code"')
  assert.deepEqual(
    [
      first!.name,
      first!.code,
      first!.detail,
      first!.stream,
      first!.shard,
      first!.sequence,
      first!.sub_sequence,
      first!.version,
    ],
    ['relay', 'DECODE_NOT_JSON', 'it is "no\\" JSON, \0 {NULL}', 'changes', 'shard-0', '49', 3n, null],
  )
  assert.deepEqual(Buffer.from(first!.raw as string, 'base64'), Buffer.from(raw))
  assert.deepEqual(
    [second!.source, second!.version, second!.raw, second!.change],
    ['orders', 7n, null, recordToJson(change)],
  )
  assert.match(second!.change as string, new RegExp(digits))
  assert.equal((second!.detail as string).length, 40_000)
})

test('the same letters again are the same rows, recorded when they were first; others are others', async (t) => {
  const { crate, connection } = await place(t)
  const letters = ['1', '2', '2', '3'].map(letterAt)
  await keepDeadLetters(connection.db, 'relay', letters)
  crate.query('UPDATE "cdc_relay"."dead_letters" SET "recorded_at" = 1000')
  await keepDeadLetters(
    connection.db,
    'relay',
    letters.map((letter) => ({ ...letter, detail: 'in other words' })),
  )
  await keepDeadLetters(connection.db, 'another', [letterAt('1')])
  await keepDeadLetters(connection.db, 'relay', [])
  const rows = crate.query('SELECT * FROM "cdc_relay"."dead_letters" WHERE "recorded_at" = 1000')
  assert.deepEqual(rows.map(({ sequence, detail }) => `${sequence} ${detail}`).sort(), [
    '1 in other words',
    '2 in other words',
    '3 in other words',
  ])
  assert.equal(crate.query('SELECT * FROM "cdc_relay"."dead_letters"').length, 4)
})

test('letters that were left out without an error are a failure that passes', {
  skip: onStandInOnly('a fault'),
}, async (t) => {
  const { crate, connection } = await place(t)
  crate.faults.next({ kind: 'lost-shard' })
  const letters = ['1', '2'].map(letterAt)
  await assert.rejects(keepDeadLetters(connection.db, 'relay', letters), { code: 'SINK_UNREACHABLE' })
  await keepDeadLetters(connection.db, 'relay', letters)
  assert.equal(crate.query('SELECT * FROM "cdc_relay"."dead_letters"').length, 2)
})

test('many large letters are more than one statement', async (t) => {
  const { crate, connection } = await place(t)
  const letters = Array.from({ length: 5 }, (_, i) => ({ ...letterAt(`${i}`), raw: Buffer.alloc(1_000_000, i) }))
  await keepDeadLetters(connection.db, 'relay', letters)
  const rows = crate.query('SELECT "raw" FROM "cdc_relay"."dead_letters"')
  assert.deepEqual(
    rows.map(({ raw }) => (raw as string).length),
    Array(5).fill(1_333_336),
  )
  assert.equal(crate.executed.filter(({ text }) => text.includes('dead_letters') && text.includes('unnest')).length, 2)
})

const SOURCE = { format: 'unknown', stream: 'changes', shard: 'shard-0', sequence: '49', subSequence: 3 } as const

const letterAt = (sequence: string): DeadLetter => ({
  kind: 'dead-letter',
  code: 'DECODE_EVENT',
  detail: 'as it came',
  raw: Buffer.from('{}'),
  source: { ...SOURCE, sequence },
})

async function place(t: TestContext): Promise<{ crate: Crate; connection: Connection }> {
  const crate = await testCrate()
  const connection = await connect(crate.url)
  t.after(async () => {
    await connection.close()
    await crate.stop()
  })
  await ensureSchema(connection.db)
  return { crate, connection }
}
