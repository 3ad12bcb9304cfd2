import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Batch, Rewound, Stored, Written } from '../src/batch.ts'
import type { RawRecord, StreamChange } from '../src/change.ts'
import { recordDecoder } from '../src/decode/decoder.ts'
import type { ReadOptions } from '../src/deliver/change-reader.ts'
import { FAILURES, RelayError } from '../src/errors.ts'
import { SourceTables } from '../src/feeds/dms/source-tables.ts'
import { KeyUnknownYet } from '../src/feeds/table-facts.ts'
import type { Page, Source } from '../src/ingest/source.ts'
import { Ledger } from '../src/observe/ledger.ts'
import { SILENT } from '../src/observe/log.ts'
import { logObserver } from '../src/observe/log-observer.ts'
import { observers } from '../src/observe/observer.ts'
import { summaryOf } from '../src/observe/summary.ts'
import { Relay, type RelayParts } from '../src/relay.ts'
import type { Sink } from '../src/sinks/sink.ts'
import { route } from '../src/stages/route.ts'
import { claimOf, put } from './support/changes.ts'
import { memoryTarget } from './support/targets/memory-sink.ts'

test('the next batch is prepared while one is written, and written only after it', async () => {
  const { log, parts, ledger } = scene({ records: ['1', '2', '3'] })
  await relay(parts, neverStopped())
  assert.deepEqual(log, [
    'open',
    'restore',
    'read from start',
    'prepare 1',
    'write 1',
    'prepare 2',
    'committed 1',
    'write 2',
    'prepare 3',
    'committed 2',
    'write 3',
    'committed 3',
  ])
  assert.deepEqual(ledger.counts(), { read: 3, applied: 3, superseded: 0, skipped: 0, deadLettered: 0 })
})

test('a batch that could not be written is not acknowledged, and nothing after it is written', async () => {
  const { log, parts, ledger } = scene({
    records: ['1', '2'],
    onWrite: { '1': () => Promise.reject(new RelayError('SINK_REFUSED', 'no')) },
  })
  await assert.rejects(relay(parts, neverStopped()), /SINK_REFUSED/)
  assert.ok(!log.some((line) => line.startsWith('committed') || line === 'write 2'), log.join('\n'))
  assert.equal(ledger.readCount, 0)
})

test('pages that are not acknowledged hear of the error that ends the relay, and those that are do not', async () => {
  const { log, parts } = scene({
    records: ['1', '2', '3'],
    onWrite: { '2': () => Promise.reject(new RelayError('SINK_REFUSED', 'no')) },
  })
  await assert.rejects(relay(parts, neverStopped()), /SINK_REFUSED/)
  const failed = log.filter((line) => line.startsWith('failed'))
  assert.deepEqual(failed, ['failed 2 SINK_REFUSED', 'failed 3 SINK_REFUSED'])
})

test('of deferred pages one hears of the error whose front was kept, but not one that was deferred whole', async () => {
  const { log, parts } = scene({
    records: [],
    onWrite: { '1': () => Promise.reject(new RelayError('SINK_REFUSED', 'no')) },
  })
  const kept = onePage('1', log)
  const waiting: RawRecord = { ...kept.records[0]!, sequence: 'waits' }
  const ended = { sequence: 'waits', arrivedAt: 1, caughtUpAt: null }
  const source: Source = {
    ...parts.source,
    async *pages() {
      yield { ...kept, records: [...kept.records, waiting], end: ended, defer: (from) => void log.push(`from ${from}`) }
      yield { ...onePage('whole', log), records: [waiting], defer: (from) => void log.push(`whole from ${from}`) }
    },
  }
  const complete = (item: StreamChange): StreamChange => {
    if (item.source.sequence === 'waits') throw new KeyUnknownYet(item.table, async () => {})
    return item
  }
  const read = { ...parts.read, facts: { ...parts.read.facts, complete } }
  await assert.rejects(relay({ ...parts, source, read, limits: { ...parts.limits, records: 10 } }, neverStopped()), {
    code: 'SINK_REFUSED',
  })
  assert.deepEqual(
    log.filter((line) => /^(from|whole|failed)/.test(line)),
    ['from 1', 'whole from 0', 'failed 1 SINK_REFUSED'],
  )
})

test('what passes by itself is tried again', async () => {
  let failures = 2
  const { log, parts } = scene({
    records: ['1'],
    onWrite: {
      '1': () => (failures-- > 0 ? Promise.reject(new RelayError('SINK_UNREACHABLE', 'away')) : Promise.resolve(null)),
    },
  })
  await relay(parts, neverStopped())
  assert.deepEqual(log.slice(-4), ['write 1', 'write 1', 'write 1', 'committed 1'])
})

test('a target that was rewound is read again from where it stands; what was prepared is forgotten', async () => {
  let isRewound = false
  const { log, parts } = scene({
    records: ['1', '2', '3'],
    onWrite: {
      '2': () => {
        if (isRewound) return Promise.resolve(null)
        isRewound = true
        return Promise.resolve({
          positions: new Map([['a', { sequence: '0', arrivedAt: null, caughtUpAt: null }]]),
          facts: new Map([['table t', '{}']]),
        })
      },
    },
  })
  await relay(parts, neverStopped())
  const again = log.slice(log.indexOf('read from 0'))
  assert.equal(log.at(log.indexOf('read from 0') - 1), 'restore table t', 'what was learned goes back, too')
  assert.deepEqual(
    again.filter((line) => line.startsWith('write')),
    ['write 1', 'write 2', 'write 3'],
  )
})

test('under --on-error stop what stands in front of the bad record is written first', async () => {
  const { log, parts } = scene({ records: ['1', '2', 'bad', '4'], recordsPerBatch: 10 })
  await assert.rejects(relay(parts, neverStopped()), /DECODE_NOT_JSON/)
  assert.deepEqual(log.slice(-3), ['write 1 2', 'committed 1 2', 'failed bad DECODE_NOT_JSON'])
})

test('an answer of the sink that does not account for each change is an error', async () => {
  const { parts } = scene({ records: ['1'] })
  const lying: Sink = { ...parts.sink, prepare: () => async () => ({ kind: 'written', tables: new Map() }) }
  await assert.rejects(relay({ ...parts, sink: lying }, neverStopped()), /counters do not match/)
})

test('values set aside are counted once they are durable, and each column is warned of once', async () => {
  let isRewound = false
  const rewind = async (): Promise<Stored | null> => {
    if (isRewound) return null
    isRewound = true
    return { positions: new Map(), facts: new Map() }
  }
  const failing = [true, false]
  const { parts, ledger } = scene({
    records: ['1', '2', '3'],
    onWrite: {
      '1': () =>
        failing.shift() === true ? Promise.reject(new RelayError('SINK_BUSY', 'a lock')) : Promise.resolve(null),
      '2': rewind,
    },
    setAside: { '1': ['x'], '2': ['x'], '3': ['x', 'y'] },
  })
  const warnings: [fields: object, message: string][] = []
  const log = { ...SILENT, warn: (fields: object, message: string) => void warnings.push([fields, message]) }
  await relay({ ...parts, observer: observers(ledger, logObserver(log, false)) }, neverStopped())
  assert.deepEqual(summaryOf(ledger, 1).setAside, { orders: { x: 4, y: 1 } }, 'the first batch was read twice')
  const told = warnings.filter(([, message]) => message.includes('cdc_extra'))
  assert.deepEqual(
    told.map(([fields]) => fields),
    ['x', 'y'].map((column) => ({ code: 'VALUES_SET_ASIDE', table: 'orders', column, type: 'smallint' })),
  )
  assert.match(told[0]![1], /smallint holds whole numbers\. Widen it$/)
})

async function relay(parts: RelayParts, signal: AbortSignal): Promise<void> {
  const opened = await Relay.open(parts, signal)
  await opened.run(signal).finally(() => opened.close())
}

test('a relay that runs again begins without the positions that its source let go of', async () => {
  const { parts } = scene({ records: [] })
  const begins: string[][] = []
  const gone = { ...onePage('2', []), forgotten: ['old'] }
  const source: Source = {
    ...parts.source,
    async *pages(positions) {
      begins.push([...positions.keys()].sort())
      yield gone
    },
  }
  const old = { sequence: 'SHARD_END', arrivedAt: null, caughtUpAt: null }
  const stored: Stored = { positions: new Map([['old', old]]), facts: new Map() }
  const opened = await Relay.open(
    { ...parts, source, sink: { ...parts.sink, open: async () => stored } },
    neverStopped(),
  )
  await opened.run(neverStopped())
  await opened.run(neverStopped())
  await opened.close()
  assert.deepEqual(begins, [['old'], ['a']])
})

const neverStopped = (): AbortSignal => new AbortController().signal

interface Scene {
  readonly records: readonly string[]
  readonly recordsPerBatch?: number
  /** By sequence number of the batch's first change: null to succeed, what the target was rewound to. */
  readonly onWrite?: Readonly<Record<string, () => Promise<Stored | null>>>
  /** By the same, the columns of which a value is set aside. */
  readonly setAside?: Readonly<Record<string, readonly string[]>>
}

/** One shard `a` with a page for each record, and a sink that writes down what it is asked. */
function scene({ records, recordsPerBatch = 1, onWrite = {}, setAside = {} }: Scene): {
  log: string[]
  parts: RelayParts
  ledger: Ledger
} {
  const log: string[] = []
  const source: Source = {
    positions: 'ours',
    identify: async () => ({ id: 's', created: 'c', retentionMs: null }),
    firstPositions: async () => new Map(),
    async *pages(positions) {
      log.push(`read from ${positions.get('a')?.sequence ?? 'start'}`)
      for (const sequence of records) yield onePage(sequence, log)
    },
    close: async () => {},
  }
  const sink: Sink = {
    refusesNul: false,
    refusesHalves: false,
    readsBefore: false,
    needsKeys: false,
    open: async () => {
      log.push('open')
      return { positions: new Map(), facts: new Map() }
    },
    keyColumns: async () => null,
    prepare(batch: Batch) {
      const label = batch.changes.map((change) => change.source.sequence).join(' ')
      log.push(`prepare ${label}`)
      return async (): Promise<Written | Rewound> => {
        log.push(`write ${label}`)
        const stored = (await onWrite[label]?.()) ?? null
        if (stored !== null) return { kind: 'rewound', ...stored }
        // Slow enough that the next batch can be prepared meanwhile.
        await new Promise((resolve) => setTimeout(resolve, 5))
        log.push(`committed ${label}`)
        const aside = setAside[label]?.map((column) => [column, SMALLINT] as const) ?? []
        return {
          kind: 'written',
          tables: new Map([['orders', { applied: batch.changes.length, superseded: 0 }]]),
          ...(aside.length > 0 ? { setAside: new Map([['orders', new Map(aside)]]) } : {}),
        }
      }
    },
    close: async () => {},
  }
  const limits = { records: recordsPerBatch, bytes: 1e9, waitMs: 1e6 }
  const read: ReadOptions = {
    decode: (record) => {
      if (record.sequence === 'bad') throw new RelayError('DECODE_NOT_JSON', 'no JSON')
      return [put('k', 1, { shard: 'a', sequence: record.sequence })]
    },
    stages: [],
    facts: {
      complete: (item) => item,
      hasNews: false,
      take: () => ({ tables: new Map(), facts: new Map() }),
      restore: (facts) => void log.push(['restore', ...facts.keys()].join(' ')),
      merge: () => {},
    },
    stream: 'feed',
    onError: 'stop',
    readsBefore: false,
    screening: () => null,
    onTextReplaced: () => {},
  }
  const opening = claimOf()
  const ledger = new Ledger()
  const observer = observers(ledger)
  return { log, parts: { source, read, sink, opening, limits, observer }, ledger }
}

const SMALLINT = { count: 1, type: 'smallint', reason: 'smallint holds whole numbers', fix: 'Widen it' }

function onePage(sequence: string, log: string[]): Page {
  const record: RawRecord = { shard: 'a', sequence, arrivedAt: 1, data: new Uint8Array(1) }
  return {
    shard: 'a',
    records: [record],
    end: { sequence, arrivedAt: 1, caughtUpAt: null },
    behindMs: 0,
    ack() {},
    defer() {},
    failed: (error) => void log.push(`failed ${sequence} ${error instanceof RelayError ? error.code : error}`),
  }
}

test('rows whose create-table is on another shard wait for it, those of other shards do not', async () => {
  const { parts, target } = dmsScene({
    rows: [dms('insert', '"data":{"id":7,"note":null}'), dms('update', '"data":{"id":7,"note":"x"}')],
    ddl: [CREATE_BERTHS],
  })
  await relay(parts, neverStopped())
  const berths = target.tables.get('harbour.berths')
  assert.deepEqual(
    [...(berths ?? [])].map(([key, { data }]) => [key, data]),
    [['[["id","7"]]', '{"id":7,"note":"x"}']],
  )
  assert.deepEqual([...target.positions('relay')].map(([shard, { sequence }]) => [shard, sequence]).sort(), [
    ['ddl', '1'],
    ['rows', '2'],
  ])
})

test('what was learned of a table is known after a restart', async () => {
  const first = dmsScene({ ddl: [CREATE_BERTHS] })
  await relay(first.parts, neverStopped())
  await first.parts.sink.close()
  const second = dmsScene({ rows: [dms('delete', '"data":{"id":7}')] }, first.target)
  await relay(second.parts, neverStopped())
  assert.deepEqual(
    [...first.target.tables.get('harbour.berths')!.values()],
    [{ data: null, version: '1767300000123456' }],
  )
})

test('a key that nobody tells in time ends the relay, with everything in front of the row written', async () => {
  const other = dms('insert', '"data":{"id":1}', 'boats')
  const createBoats = dms('create-table', '"control":{"table-def":{"columns":{},"primary-key":["id"]}}', 'boats')
  const { parts, target } = dmsScene({ rows: [createBoats, other, dms('insert', '"data":{"id":7}')] }, undefined, 0)
  await assert.rejects(relay(parts, neverStopped()), (error) => {
    assert.ok(error instanceof RelayError)
    assert.match(error.message, /KEY_UNKNOWN: The key of table harbour\.berths .*--key TABLE=COLUMN/)
    assert.deepEqual(error.place, { table: 'harbour.berths', stream: 'feed', shard: 'rows', sequence: '3' })
    assert.equal(FAILURES[error.code].exit, 2)
    return true
  })
  assert.deepEqual([...target.tables.keys()], ['harbour.boats'])
  assert.equal(target.positions('relay').get('rows')?.sequence, '2')
})

const CREATE_BERTHS = dms(
  'create-table',
  '"control":{"table-def":{"columns":{"id":{"type":"INT64"}},"primary-key":["id"]}}',
)

/** The text of a record of DMS; `rest` is JSON text. */
function dms(operation: string, rest: string, table = 'berths'): string {
  const described = {
    timestamp: '2026-01-01T20:40:00.123456Z',
    'record-type': rest.startsWith('"data"') ? 'data' : 'control',
    operation,
    'schema-name': 'harbour',
    'table-name': table,
  }
  return `{${rest},"metadata":${JSON.stringify(described)}}`
}

/** Shards of a DMS feed, read in their order, a page for each; and the target in memory. */
function dmsScene(
  shards: Readonly<Record<string, readonly string[]>>,
  target = memoryTarget(),
  keyWaitMs = 10_000,
): { readonly parts: RelayParts; readonly target: ReturnType<typeof memoryTarget> } {
  const sink = target.sink({ needsKeys: true })
  const tables = new SourceTables({
    declaredKey: () => undefined,
    declaredTypes: () => new Map(),
    missingColumns: 'null',
    needsKeys: sink.needsKeys,
    keyWaitMs,
    askTarget: sink.keyColumns,
    log: SILENT,
  })
  const read: ReadOptions = {
    decode: recordDecoder({ format: 'auto', stream: 'feed', binary: 'double', beforeImageField: 'before-image' }),
    stages: [route({ include: [], exclude: [], ignoreDeletes: false, expired: 'delete' })],
    facts: tables,
    stream: 'feed',
    onError: 'dead-letter',
    readsBefore: sink.readsBefore,
    screening: () => null,
    onTextReplaced: () => {},
  }
  const parts = {
    source: shardsInOrder(shards),
    read,
    sink,
    opening: claimOf(),
    limits: { records: 1_000, bytes: 1e9, waitMs: 1e6 },
    observer: observers(),
  }
  return { parts, target }
}

/** A page that is deferred comes again behind all others, without what was used of it. */
function shardsInOrder(shards: Readonly<Record<string, readonly string[]>>): Source {
  const left = Object.entries(shards).map(([shard, texts]) => ({
    shard,
    records: texts.map(
      (text, i): RawRecord => ({ shard, sequence: `${i + 1}`, arrivedAt: 1, data: Buffer.from(text) }),
    ),
  }))
  return {
    positions: 'ours',
    identify: async () => claimOf().relay.stream,
    firstPositions: async () => new Map(),
    async *pages() {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        await nextTurn()
        const { shard, records } = next
        yield {
          shard,
          records,
          end: { sequence: records.at(-1)!.sequence, arrivedAt: 1, caughtUpAt: null },
          behindMs: 0,
          ack() {},
          failed() {},
          defer: (used) => void left.push({ shard, records: records.slice(used) }),
        }
      }
    },
    close: async () => {},
  }
}
