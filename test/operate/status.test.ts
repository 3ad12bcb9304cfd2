import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RelayIdentity } from '../../src/batch.ts'
import { recordToJson } from '../../src/change.ts'
import { repeatsInto } from '../../src/operate/positions/repeats.ts'
import { type LettersStatus, type Status, type Surroundings, statusOf } from '../../src/operate/status.ts'
import { statusText } from '../../src/operate/status-text.ts'
import { atTimestamp, type Position, SHARD_END, TRIM_HORIZON } from '../../src/position.ts'
import { countLetterFile } from '../../src/sinks/count-letter-file.ts'
import type { Seen } from '../../src/state/seen.ts'
import { put } from '../support/changes.ts'

const HOUR_MS = 3_600_000
const NOW = Date.parse('2026-11-30T12:00:00Z')
const ago = (hours: number): number => NOW - hours * HOUR_MS

const STREAM = {
  id: 'arn:aws:kinesis:eu-north-1:1:stream/orders',
  created: '2026-01-01T00:00:00.000Z',
  retentionMs: 24 * HOUR_MS,
}
const RELAY: RelayIdentity = {
  name: 'orders',
  stream: { ...STREAM, retentionMs: null },
  start: null,
  settings: { mode: 'mirror', layout: '' },
}
const HOLDER = { host: 'relay-1', process: 7, since: '2026-11-30T09:00:00Z', isAlive: true, heardOf: null }
const NO_LETTERS: LettersStatus = { keptIn: 'cdc_relay.dead_letters', count: 0, kinds: [] }

const at = (sequence: string, arrivedAt: number | null = null, caughtUpAt: number | null = null): Position => ({
  sequence,
  arrivedAt,
  caughtUpAt,
})

function seen(positions: Readonly<Record<string, Position>>, parts: Partial<Seen> = {}): Seen {
  return {
    relay: RELAY,
    holder: HOLDER,
    stored: { positions: new Map(Object.entries(positions)), facts: new Map() },
    ...parts,
  }
}

const status = (found: Seen, parts: Partial<Surroundings> = {}): Status =>
  statusOf(found, { state: 'file:x', now: NOW, stream: STREAM, deadLetters: NO_LETTERS, ...parts })

test('each shard stands as its position tells, and is not further behind than that', () => {
  const { shards } = status(
    seen({
      g: at('5'),
      a: at(SHARD_END, ago(3), ago(2)),
      b: at('5', ago(2), ago(1)),
      c: at('5', ago(1), ago(2)),
      d: at('5', ago(1)),
      e: at(TRIM_HORIZON),
      f: at(TRIM_HORIZON, null, ago(1)),
      h: atTimestamp(ago(4)),
    }),
  )
  assert.deepEqual(
    shards.map(({ shard, standing, behindMs }) => [shard, standing, behindMs === null ? null : behindMs / HOUR_MS]),
    [
      ['a', 'finished', null],
      ['b', 'caught up', 1],
      ['c', 'begun', 1],
      ['d', 'begun', 1],
      ['e', 'not begun', null],
      ['f', 'caught up', 1],
      ['g', 'begun', null],
      ['h', 'not begun', 4],
    ],
  )
  assert.deepEqual(shards[1], {
    shard: 'b',
    standing: 'caught up',
    sequence: '5',
    arrivedAt: '2026-11-30T10:00:00.000Z',
    caughtUpAt: '2026-11-30T11:00:00.000Z',
    upTo: '2026-11-30T11:00:00.000Z',
    behindMs: HOUR_MS,
  })
})

test('a position that is older than half of the retention is warned of, and one that is older than all of it', () => {
  const warnings = (hours: readonly number[], retentionMs: number | null = STREAM.retentionMs): readonly string[] => {
    const positions = Object.fromEntries(hours.map((many, i) => [`s${i}`, at('5', ago(many), ago(many))]))
    return status(seen(positions), { stream: { ...STREAM, retentionMs } }).warnings
  }
  assert.deepEqual(warnings([0, 11, 12]), [])
  assert.deepEqual(warnings([1, 12.5, 13]), [
    's2 (and 1 more shard) is read up to 2026-11-29T23:00:00.000Z: longer ago than half of the 24 hours that the stream keeps a record',
  ])
  const [lost, soon] = warnings([13, 24, 25])
  assert.match(
    lost!,
    /^s2 is read up to .*: longer ago than the 24 hours that the stream keeps a record, so records may have expired/,
  )
  assert.match(soon!, /^s1 \(and 1 more shard\) is read up to/)
  assert.deepEqual(warnings([1000], null), [])
  assert.deepEqual(status(seen({ a: at(SHARD_END, ago(1000)) })).warnings, [], 'a finished shard loses nothing')
  const stored = seen({ a: at('5', ago(13)) }, { relay: { ...RELAY, stream: STREAM } })
  assert.equal(status(stored, { stream: 'not asked' }).warnings.length, 1, 'the state knows the retention')
})

test('what is not known is said, with what would tell it', () => {
  const notKnown = (found: Seen, parts: Partial<Surroundings> = {}) => status(found, parts).notKnown
  assert.deepEqual(notKnown(seen({})), [])
  assert.deepEqual(notKnown(seen({}), { stream: 'name it' }), ['How long the stream keeps a record: name it'])
  assert.deepEqual(notKnown(seen({}, { relay: { ...RELAY, stream: STREAM } }), { stream: 'name it' }), [])
  const ofFile = seen({}, { relay: { ...RELAY, stream: { id: '/in.jsonl', created: 'x', retentionMs: null } } })
  assert.deepEqual(notKnown(ofFile, { stream: 'it is a file' }), [])
  assert.deepEqual(notKnown(seen({}), { deadLetters: { keptIn: null, count: null, kinds: [] } }), [
    'Where dead letters are: name the sink',
  ])
  const engine = seen({}, { relay: { ...RELAY, settings: { positions: 'engine' } }, holder: null })
  assert.deepEqual([status(engine).isRunning, notKnown(engine).length], [null, 1])
})

test('another stream under the name is warned of', () => {
  const other = status(seen({}), { stream: { ...STREAM, id: 'arn:other' } })
  assert.match(other.warnings[0]!, /The positions are of arn:aws.*, and --source is arn:other/)
  const again = status(seen({}), { stream: { ...STREAM, created: '2026-06-01T00:00:00.000Z' } })
  assert.match(again.warnings[0]!, /is not what it was: created 2026-01-01.* then, 2026-06-01.* now/)
  const grown = { ...STREAM, created: 'grown', isSameAs: () => true }
  assert.deepEqual(status(seen({}), { stream: grown }).warnings, [])
})

test('tables are those that the relay made and those that it learned of', () => {
  const facts = new Map([
    ['table shop.a', '{"key":["id","line"],"columns":{},"floor":"1764504000000001","version":"5"}'],
    ['table shop.b', '{"key":null,"columns":{},"floor":null,"version":null}'],
    ['nulls', 'true'],
  ])
  const tables = [
    { source: 'shop.b', schema: 'public', name: 'b', key: ['id'] },
    { source: 'c', schema: 'public', name: 'c', key: [] },
  ]
  const found = seen({}, { stored: { positions: new Map(), facts }, target: { tables, deadLetters: [] } })
  assert.deepEqual(status(found).tables, [
    { table: 'c', target: { schema: 'public', name: 'c' }, key: [], floor: null },
    { table: 'shop.a', target: null, key: ['id', 'line'], floor: '2025-11-30T12:00:00.000Z' },
    { table: 'shop.b', target: { schema: 'public', name: 'b' }, key: ['id'], floor: null },
  ])
})

test('for people, all of it', () => {
  const kinds = [
    { source: 'shop.b', code: 'SINK_REFUSED', count: 3 },
    { source: null, code: 'DECODE_NOT_JSON', count: 1 },
  ]
  const facts = new Map([['table shop.a', '{"key":[],"columns":{},"floor":null,"version":null}']])
  const found = seen(
    {},
    {
      holder: { ...HOLDER, heardOf: NOW - 12_000 },
      stored: { positions: new Map([['shardId-0', at('17', ago(13))]]), facts },
    },
  )
  const text = statusText(status(found, { deadLetters: { ...NO_LETTERS, count: 4, kinds }, stream: STREAM }), NOW)
  for (const words of [
    'orders: running, as process 7 on relay-1 since 2026-11-30T09:00:00Z, heard of 12s ago',
    'state   file:x',
    'which keeps records for 1d',
    'began   at earliest with --mode mirror',
    /│ shardId-0 │ begun +│ 2026-11-29T23:00:00.000Z │ ≤ 13h +│ 17 +│/,
    /│ shop\.a │ +│ none │ +│/,
    /│ shop\.b +│ SINK_REFUSED +│ 3 +│/,
    /│ \(not decoded\) +│ DECODE_NOT_JSON +│ 1 +│/,
    'WARNING: shardId-0 is read up to',
    'WARNING: 4 dead letters lie in cdc_relay.dead_letters.',
  ]) {
    assert.ok(typeof words === 'string' ? text.includes(words) : words.test(text), `${words}\n${text}`)
  }
  const stopped = statusText(status(seen({}, { holder: { ...HOLDER, isAlive: false } }), { stream: 'name it' }), NOW)
  assert.match(stopped, /^orders: not running; process 7 on relay-1 had the name last/)
  assert.match(stopped, /No position is stored: reading begins at the oldest record/)
  assert.match(stopped, /No dead letter in cdc_relay\.dead_letters/)
  assert.match(stopped, /not known: How long the stream keeps a record: name it\./)
})

test('dead letters of a file are counted by table and code; none if there is no file, and a torn line is none', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-letters-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'letters.jsonl')
  assert.deepEqual(await countLetterFile(path), [])
  const change = put(1, 5)
  const letter = { kind: 'dead-letter', detail: 'd', source: change.source } as const
  const lines = [
    recordToJson({ ...letter, code: 'SINK_REFUSED', change }),
    recordToJson({ ...letter, code: 'DECODE_NOT_JSON', raw: Buffer.from('x') }),
    recordToJson({ ...letter, code: 'SINK_REFUSED', change }),
  ]
  await writeFile(path, `${lines.join('\n')}\n${lines[0]!.slice(0, 30)}`)
  assert.deepEqual(await countLetterFile(path), [
    { source: change.table.name, code: 'SINK_REFUSED', count: 2 },
    { source: null, code: 'DECODE_NOT_JSON', count: 1 },
  ])
})

test('repeats are harmless in a mirror of tables, and in a log with a key', () => {
  const harmless = (
    mode: string,
    writes: 'tables' | 'records' | null,
    log: 'keyed' | 'may be keyed' | 'without key' | null,
  ) => repeatsInto({ mode, writes, log }).areHarmless
  assert.deepEqual(
    [
      harmless('mirror', 'tables', 'may be keyed'),
      harmless('mirror', 'records', 'without key'),
      harmless('mirror', null, null),
      harmless('append', 'tables', 'keyed'),
      harmless('append', 'tables', 'may be keyed'),
      harmless('append', 'tables', 'without key'),
      harmless('append', null, null),
    ],
    [true, false, null, true, null, false, null],
  )
})
