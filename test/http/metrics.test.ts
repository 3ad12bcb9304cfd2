import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Written } from '../../src/batch.ts'
import type { DeadLetter } from '../../src/change.ts'
import { RelayError } from '../../src/errors.ts'
import { CappedLabels } from '../../src/http/metrics/capped-labels.ts'
import { asOpenMetrics } from '../../src/http/metrics/open-metrics.ts'
import { type ShardStatus, shardsOf } from '../../src/operate/status.ts'
import type { Family } from '../support/prometheus-text.ts'
import { NOW, metricsScene as scene } from './metrics-scene.ts'

const HOUR_MS = 3_600_000

const values = (family: Family | undefined): Record<string, number> =>
  Object.fromEntries(
    family!.samples.map(({ labels: { relay: _, ...labels }, value }) => [Object.values(labels).join(' '), value]),
  )

const batch = (parts: { readonly read?: number; readonly deadLetters?: readonly DeadLetter[] } = {}) => ({
  ...{ read: 0, bytes: 0, changes: [], deadLetters: [], skips: new Map(), positions: new Map() },
  ...parts,
})
const TIMES = { waitMs: 20, prepareMs: 1, writeMs: 300 }
const letter = (code: string, table?: string): DeadLetter =>
  ({
    kind: 'dead-letter',
    code,
    detail: '',
    ...(table !== undefined && { change: { table: { schema: null, name: table } } }),
  }) as DeadLetter

test('more tables than have samples of their own are counted as `other`, and nothing is left out', async () => {
  const { observer, read } = scene()
  const tables = new Map(Array.from({ length: 250 }, (_, i) => [`t${i}`, { applied: i, superseded: 1 }]))
  observer.wrote(batch({ read: 31_375 }), { kind: 'written', tables }, TIMES)
  const applied = values((await read()).get('cdc_relay_applied_changes_total'))
  assert.equal(Object.keys(applied).length, 201)
  assert.equal(applied.t199, 199)
  assert.equal(applied.other, 31_125 - 19_900)
  const superseded = values((await read()).get('cdc_relay_superseded_changes_total'))
  assert.equal(superseded.other, 50)
  // Those that have a name keep it.
  observer.wrote(
    batch(),
    {
      kind: 'written',
      tables: new Map([
        ['t249', { applied: 1, superseded: 0 }],
        ['t0', { applied: 1, superseded: 0 }],
      ]),
    },
    TIMES,
  )
  const later = values((await read()).get('cdc_relay_applied_changes_total'))
  assert.deepEqual([later.t0, later.t199, later.other], [1, 199, 31_125 - 19_900 + 1])
})

test('of shards that are too many the worst is told, and those that are over make room', async () => {
  const shards = shardsOf(
    new Map(
      Array.from({ length: 250 }, (_, i) => [
        `s${String(i).padStart(3, '0')}`,
        { sequence: `${i}`, arrivedAt: NOW - i * 1000, caughtUpAt: null },
      ]),
    ),
    NOW,
  )
  const told = values((await scene({ shards }).read()).get('cdc_relay_shard_written_to_timestamp_seconds'))
  assert.equal(Object.keys(told).length, 201)
  assert.equal(told.s199, NOW / 1000 - 199)
  assert.equal(told.other, NOW / 1000 - 249)

  const names = new CappedLabels(2)
  assert.deepEqual(
    ['a', 'b', 'c', 'a'].map((name) => names.of(name)),
    ['a', 'b', 'other', 'a'],
  )
  names.retain(new Set(['b', 'c']))
  assert.deepEqual(
    ['c', 'a', 'b'].map((name) => names.of(name)),
    ['c', 'other', 'b'],
  )
})

test('dead letters are told by code and table, also where the target says no more than how many', async () => {
  const { observer, read } = scene()
  const refused: Written = {
    kind: 'written',
    tables: new Map(),
    deadLettered: 2,
    refused: [letter('SINK_REFUSED', 'a'), letter('TEXT_NUL', 'a')],
  }
  observer.wrote(batch({ read: 3, deadLetters: [letter('DECODE_NOT_JSON')] }), refused, TIMES)
  observer.wrote(batch({ read: 4 }), { kind: 'written', tables: new Map(), deadLettered: 4 }, TIMES)
  assert.deepEqual(values((await read()).get('cdc_relay_dead_lettered_changes_total')), {
    'DECODE_NOT_JSON ': 1,
    'SINK_REFUSED ': 4,
    'SINK_REFUSED a': 1,
    'TEXT_NUL a': 1,
  })
  assert.deepEqual(values((await read()).get('cdc_relay_kept_dead_letters')), { X: 3 })
})

test('each phase of a batch is told in seconds; what a target does not tell has no sample', async () => {
  const { observer, read } = scene()
  observer.wrote(batch({ read: 7 }), { kind: 'written', tables: new Map(), commitMs: 100 }, TIMES)
  observer.wrote(batch({ read: 7 }), { kind: 'written', tables: new Map() }, TIMES)
  const { samples } = (await read()).get('cdc_relay_batch_seconds')!
  const sums = samples
    .filter(({ suffix }) => suffix === '_sum')
    .map(({ labels, value }) => [labels.phase, Math.round(value * 1000)])
  assert.deepEqual(Object.fromEntries(sums), { wait: 40, prepare: 2, write: 500, commit: 100 })
  const counts = samples.filter(({ suffix }) => suffix === '_count').map(({ labels, value }) => [labels.phase, value])
  assert.deepEqual(Object.fromEntries(counts), { wait: 2, prepare: 2, write: 2, commit: 1 })
})

test('half of the retention is over for a shard that is not known to be written up to then', async () => {
  const at = (arrivedAt: number, sequence = '1') =>
    shardsOf(new Map([['s', { sequence, arrivedAt, caughtUpAt: null }]]), NOW)
  const flag = async (shards: readonly ShardStatus[], retentionMs?: number) =>
    values(
      (await scene({ shards, ...(retentionMs !== undefined && { retentionMs }) }).read()).get(
        'cdc_relay_half_retention_passed',
      ),
    )['']
  assert.equal(await flag(at(NOW - 13 * HOUR_MS), 24 * HOUR_MS), 1)
  assert.equal(await flag(at(NOW - 11 * HOUR_MS), 24 * HOUR_MS), 0)
  assert.equal(await flag(at(NOW - 13 * HOUR_MS, 'SHARD_END'), 24 * HOUR_MS), 0)
  assert.equal(await flag(at(NOW - 13 * HOUR_MS)), 0)
})

test('both formats say the same, by the letter of each', async () => {
  const { observer, read } = scene()
  observer.begins(new Map())
  observer.failed({ what: 'x' }, new RelayError('SINK_BUSY', 'x'))
  observer.parked('a "b"\n', null, 1)
  observer.wrote(
    batch({ read: 7 }),
    { kind: 'written', tables: new Map([['a\\b', { applied: 7, superseded: 0 }]]) },
    TIMES,
  )
  const plain = await read()
  const open = await read('application/openmetrics-text; version=1.0.0')
  assert.deepEqual(
    [...plain.keys()].map((name) => name.replace(/_total$/, '')),
    [...open.keys()],
  )
  assert.equal(plain.get('cdc_relay_applied_changes_total')!.samples[0]!.labels.table, 'a\\b')
  assert.equal(plain.get('cdc_relay_applied_changes_total')!.samples[0]!.labels.relay, 'r "1"\\')
  assert.equal(plain.get('cdc_relay_parked_changes')!.samples[0]!.labels.table, 'a "b"\n')
  assert.deepEqual(open.get('cdc_relay_applied_changes')!.samples[0]!.value, 7)
  assert.equal(plain.get('cdc_relay_info')!.samples[0]!.labels.version, '1.2.3')
})

test('only counters lose their ending in OpenMetrics', () => {
  const text =
    '# HELP a_total x_total counter\n# TYPE a_total counter\na_total 1\n\n# HELP b_total y\n# TYPE b_total gauge\nb_total 1\n'
  assert.equal(
    asOpenMetrics(text),
    '# HELP a x_total counter\n# TYPE a counter\na_total 1\n# HELP b_total y\n# TYPE b_total gauge\nb_total 1\n# EOF\n',
  )
})

test('docs/observe.md lists each metric with its labels, and no other', async () => {
  const { observer, labelsOf } = scene()
  observer.wrote(batch(), { kind: 'written', tables: new Map() }, TIMES)
  const found = Array.from(await labelsOf(), ([name, labels]) => [name, [...labels].filter(isOwn).sort()] as const)
  const page = readFileSync(join(import.meta.dirname, '../../docs/observe.md'), 'utf8')
  const rows = page.matchAll(/^\| `((?:cdc_relay|process|nodejs)_[a-z_]+)(?:\{([^}]*)\})?` \|/gm)
  const listed = Array.from(rows, ([, name, labels]) => [name!, labels?.split(',').sort() ?? []] as const)
  assert.deepEqual(Object.fromEntries(listed), Object.fromEntries(found))
})

const isOwn = (label: string): boolean => !['relay', 'le'].includes(label)
