import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectTo } from './client.ts'
import { RETRY_TEXTS, type Trouble } from './faults.ts'
import { openScene } from './scene.ts'

const INSERT = 'INSERT INTO a (k) VALUES ($1)'
const BATCH =
  'INSERT INTO a (k) (SELECT k FROM unnest($1::array(bigint)) AS u (k)) ON CONFLICT (k) DO NOTHING RETURNING k'

test('a connection is lost before or after the n-th write', async (t) => {
  for (const when of ['before', 'after'] as const) {
    const { client, crate } = await openScene(t)
    crate.faults.next({ kind: 'drop', when }, { skip: 1 })
    await client.query(INSERT, [1])
    await assert.rejects(client.query(INSERT, [2]), /terminated|ECONNRESET/)
    const expected = when === 'before' ? [{ k: 1n }] : [{ k: 1n }, { k: 2n }]
    assert.deepEqual(crate.query('SELECT k FROM a ORDER BY k'), expected)
    assert.equal((await (await connectTo(crate)).query(INSERT, [3])).rowCount, 1)
  }
})

test('an error that asks for another try comes before or after the write', async (t) => {
  const { client, crate } = await openScene(t)
  const text = RETRY_TEXTS[0]
  crate.faults.next({ kind: 'error', when: 'before', text })
  await assert.rejects(client.query(INSERT, [1]), { message: text, code: 'XX000' })
  assert.deepEqual(crate.query('SELECT k FROM a'), [])
  crate.faults.next({ kind: 'error', when: 'after', text })
  await assert.rejects(client.query(INSERT, [1]), { message: text })
  assert.deepEqual(crate.query('SELECT k FROM a'), [{ k: 1n }])
})

test('a lost shard takes its rows with it, silently, and has them the next time', async (t) => {
  const { client, rows, crate } = await openScene(t)
  await client.query('CREATE TABLE b (k BIGINT PRIMARY KEY) CLUSTERED INTO 4 SHARDS')
  const batch = BATCH.replace('INTO a', 'INTO b')
  const keys = Array.from({ length: 40 }, (_, at) => at)
  crate.faults.next({ kind: 'lost-shard' })
  const first = (await rows(batch, [keys])).length
  assert.ok(first > 0 && first < 40, `${first} of 40`)
  assert.equal((await rows(batch, [keys])).length, 40 - first)
  crate.faults.next({ kind: 'lost-shard' })
  await assert.rejects(client.query(INSERT, [1]), /primary shard is not active/)
})

test('moved primaries make a compare-and-set miss', async (t) => {
  const { rows, count, crate } = await openScene(t)
  const [tokens] = await rows(`${INSERT} RETURNING _seq_no, _primary_term`, [1])
  crate.faults.next({ kind: 'moved-primaries' })
  const update = 'UPDATE a SET n = 1 WHERE k = 1 AND _seq_no = $1 AND _primary_term = $2'
  assert.equal(await count(update, [tokens!._seq_no, tokens!._primary_term]), 0)
})

test('a fault can wait for a statement of its own', async (t) => {
  const { client, crate } = await openScene(t)
  crate.faults.next({ kind: 'error', when: 'before', text: 'no master' }, { matching: /^SELECT/ })
  await client.query(INSERT, [1])
  await assert.rejects(client.query('SELECT k FROM a'), /no master/)
  await client.query('SELECT k FROM a')
})

test('the same seed brings the same troubles, until all is calm', async (t) => {
  const seed = 20_261_120
  const troubles: readonly Trouble[] = [
    { kind: 'error', when: 'before', text: 'exceeded retry limit' },
    { kind: 'error', when: 'after', text: 'node disconnected' },
    { kind: 'delay', ms: 1 },
  ]
  const played = async () => {
    const { client, crate } = await openScene(t)
    crate.faults.random({ seed, share: 0.5, troubles })
    const answers: string[] = []
    for (let key = 0; key < 40; key++)
      answers.push(
        await client.query(INSERT, [key]).then(
          () => 'done',
          (error: Error) => error.message,
        ),
      )
    crate.faults.calm()
    await client.query(INSERT, [99])
    return { answers, happened: [...crate.faults.happened] }
  }
  const first = await played()
  assert.deepEqual(await played(), first, `seed ${seed}`)
  assert.equal(new Set(first.answers).size, 3, `seed ${seed}`)
  assert.equal(first.happened.length, 2, `seed ${seed}`)
})
