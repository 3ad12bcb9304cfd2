import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readMetrics } from '../../support/prometheus-text.ts'
import { lines } from '../operate/letters-scene.ts'
import { record } from './records.ts'
import { watchedRelay } from './watched-relay.ts'

test('during load, trouble and recovery each counter is what the history says, to the last record', async (t) => {
  const { database, http, relay, put, setAway } = await watchedRelay(t)

  put(...Array.from({ length: 700 }, (_, i) => record('orders', `${i % 300}`, 1000 + i)), record('orders', '0', 1))
  const loaded = await http.metricsOnce((now) => now.value('read_changes_total') === 701)
  assert.equal(loaded.value('received_records_total'), 701)
  const [applied, superseded] = ['applied_changes_total', 'superseded_changes_total'].map(
    (name) => loaded.all(name).orders!,
  )
  assert.equal(applied! + superseded!, 701)
  assert.ok(applied! >= 300 && superseded! >= 1)
  assert.equal(loaded.value('claimed'), 1)
  assert.equal(loaded.value('positions'), 1)
  assert.equal((await http.get('/health/ready')).status, 200)

  // Skipped, not decoded, refused, parked.
  put(
    record('drafts', 'a', 1),
    record('drafts', 'b', 2),
    'no record',
    record('orders', 'x', 13),
    record('users', 'u', 1),
    record('users', 'v', 2),
  )
  const troubled = await http.metricsOnce((now) => now.value('read_changes_total') === 707)
  assert.equal(troubled.value('received_records_total'), 707)
  assert.deepEqual(Object.values(troubled.all('skipped_changes_total')), [2])
  assert.deepEqual(troubled.all('dead_lettered_changes_total'), {
    'DECODE_NOT_JSON ': 1,
    'SINK_REFUSED orders': 1,
    'TABLE_PARKED users': 2,
  })
  assert.equal(troubled.value('parked_tables'), 1)
  assert.deepEqual(troubled.all('parked_changes'), { users: 2 })
  assert.equal(troubled.all('applied_changes_total').orders! + troubled.all('superseded_changes_total').orders!, 701)

  // The target is away.
  setAway(true)
  put(record('orders', 'y', 14))
  const away = await http.metricsOnce((now) => (now.value('failing', { code: 'SINK_UNREACHABLE' }) ?? 0) > 0)
  assert.equal(away.value('ready'), 0)
  assert.equal(away.all('check_ok').target, 0)
  assert.ok(away.value('failed_attempts_total', { code: 'SINK_UNREACHABLE' })! > 0)
  assert.equal(away.value('read_changes_total'), 707)
  const unready = await http.get('/health/ready?verbose')
  assert.equal(unready.status, 503)
  const { isReady, checks } = (await unready.json()) as { isReady: boolean; checks: { name: string; isOk: boolean }[] }
  assert.equal(isReady, false)
  assert.deepEqual(
    checks.map(({ name, isOk }) => [name, isOk]),
    [
      ['target', false],
      ['source', true],
      ['progress', true],
      ['parked', true],
    ],
  )
  assert.equal((await http.get('/health/live')).status, 200)
  assert.equal((await http.get('/status')).status, 200)

  // It is back; what was parked is mended.
  setAway(false)
  await database.query('DROP TABLE users')
  put(record('orders', 'z', 15))
  const back = await http.metricsOnce((now) => now.value('read_changes_total') === 709)
  assert.equal(back.value('failing', { code: 'SINK_UNREACHABLE' }), 0)
  assert.equal(back.value('ready'), 1)
  assert.equal(back.all('applied_changes_total').orders! + back.all('superseded_changes_total').orders!, 703)
  // To ask for the status counts dead letters anew, which metrics alone do now and then.
  const lettersNow = async () => {
    await http.get('/status')
    return (await http.metrics()).all('kept_dead_letters')
  }
  while ('TABLE_PARKED' in (await lettersNow())) await sleep(50)
  assert.deepEqual(await lettersNow(), { DECODE_NOT_JSON: 1, SINK_REFUSED: 1 })
  // A table goes on with the next batch.
  let more = 0
  let ended = back
  while (ended.value('parked_tables') !== 0) {
    put(record('orders', 'w', 100 + more++))
    ended = await http.metricsOnce((now) => now.value('read_changes_total') === 709 + more)
  }
  assert.deepEqual(ended.all('parked_changes'), {})

  const batches = ended.families.get('cdc_relay_batch_seconds')!.samples
  const count = (phase: string) =>
    batches.find(({ suffix, labels }) => suffix === '_count' && labels.phase === phase)!.value
  assert.deepEqual(new Set(['prepare', 'write', 'commit'].map(count)), new Set([count('wait')]))
  const sizes = ended.families.get('cdc_relay_batch_changes')!.samples
  assert.equal(sizes.find(({ suffix }) => suffix === '_sum')!.value, 709 + more)
  const open = await http.get('/metrics', { headers: { accept: 'application/openmetrics-text; version=1.0.0' } })
  const text = await open.text()
  assert.match(open.headers.get('content-type')!, /^application\/openmetrics-text; version=1\.0\.0/)
  const families = readMetrics(text, 'openmetrics')
  assert.equal(families.get('cdc_relay_read_changes')!.samples[0]!.value, 709 + more)
  assert.doesNotMatch(text, /secret/)

  relay.child.kill('SIGTERM')
  const { exitCode, stdout, stderr } = await relay.ended
  assert.equal(exitCode, 0, stderr)
  const [summary] = lines({ exitCode: 0, stdout, stderr }) as [Record<string, number>]
  assert.deepEqual([summary.read, summary.deadLettered, summary.skipped], [709 + more, 4, 2])
  await assert.rejects(http.get('/health/live'))
})
