import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RawRecord } from '../src/change.ts'
import type { Examine } from '../src/deliver/examine.ts'
import { RelayError } from '../src/errors.ts'
import type { Page, Source } from '../src/ingest/source.ts'
import { Lag } from '../src/observe/lag.ts'
import { Ledger } from '../src/observe/ledger.ts'
import { SILENT } from '../src/observe/log.ts'
import type { Positions } from '../src/position.ts'
import { type RelayParts, relay } from '../src/relay.ts'
import type { Batch, Rewound, Sink, Written } from '../src/sinks/sink.ts'
import { put } from './support/changes.ts'

test('the next batch is prepared while one is written, and written only after it', async () => {
  const { log, parts } = scene({ records: ['1', '2', '3'] })
  await relay(parts, neverStopped())
  assert.deepEqual(log, [
    'open',
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
  assert.deepEqual(parts.ledger.counts(), { read: 3, applied: 3, superseded: 0, skipped: 0, deadLettered: 0 })
})

test('a batch that could not be written is not acknowledged, and nothing after it is written', async () => {
  const { log, parts } = scene({
    records: ['1', '2'],
    onWrite: { '1': () => Promise.reject(new RelayError('SINK_REFUSED', 'no')) },
  })
  await assert.rejects(relay(parts, neverStopped()), /SINK_REFUSED/)
  assert.ok(!log.some((line) => line.startsWith('committed') || line === 'write 2'), log.join('\n'))
  assert.equal(parts.ledger.read, 0)
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

test('a target that was set back is read again from where it stands; what was prepared is forgotten', async () => {
  let isSetBack = false
  const { log, parts } = scene({
    records: ['1', '2', '3'],
    onWrite: {
      '2': () => {
        if (isSetBack) return Promise.resolve(null)
        isSetBack = true
        return Promise.resolve(new Map([['a', { sequence: '0', arrivedAt: null, caughtUpAt: null }]]))
      },
    },
  })
  await relay(parts, neverStopped())
  const again = log.slice(log.indexOf('read from 0'))
  assert.deepEqual(
    again.filter((line) => line.startsWith('write')),
    ['write 1', 'write 2', 'write 3'],
  )
})

test('under --on-error stop what stands in front of the bad record is written first', async () => {
  const { log, parts } = scene({ records: ['1', '2', 'bad', '4'], recordsPerBatch: 10 })
  await assert.rejects(relay(parts, neverStopped()), /DECODE_NOT_JSON/)
  assert.deepEqual(log.slice(-2), ['write 1 2', 'committed 1 2'])
})

test('books that do not add up are an error', async () => {
  const { parts } = scene({ records: ['1'] })
  const lying: Sink = { ...parts.sink, prepare: () => async () => ({ kind: 'written', tables: new Map() }) }
  await assert.rejects(relay({ ...parts, sink: lying }, neverStopped()), /do not add up/)
})

const neverStopped = (): AbortSignal => new AbortController().signal

interface Scene {
  readonly records: readonly string[]
  readonly recordsPerBatch?: number
  /** By sequence number of the batch's first change: null to succeed, positions to be set back to. */
  readonly onWrite?: Readonly<Record<string, () => Promise<Positions | null>>>
}

/** One shard `a` with a page for each record, and a sink that writes down what it is asked. */
function scene({ records, recordsPerBatch = 1, onWrite = {} }: Scene): { log: string[]; parts: RelayParts } {
  const log: string[] = []
  const source: Source = {
    identify: async () => ({ id: 's', created: 'c', retentionMs: null }),
    firstPositions: async () => new Map(),
    async *pages(positions) {
      log.push(`read from ${positions.get('a')?.sequence ?? 'start'}`)
      for (const sequence of records) yield onePage(sequence)
    },
    close: async () => {},
  }
  const sink: Sink = {
    refusesNul: false,
    readsBefore: false,
    open: async () => {
      log.push('open')
      return new Map()
    },
    prepare(batch: Batch) {
      const label = batch.changes.map((change) => change.source.sequence).join(' ')
      log.push(`prepare ${label}`)
      return async (): Promise<Written | Rewound> => {
        log.push(`write ${label}`)
        const positions = (await onWrite[label]?.()) ?? null
        if (positions !== null) return { kind: 'rewound', positions }
        // Slow enough that the next batch can be prepared meanwhile.
        await new Promise((resolve) => setTimeout(resolve, 5))
        log.push(`committed ${label}`)
        return { kind: 'written', tables: new Map([['orders', { applied: batch.changes.length, superseded: 0 }]]) }
      }
    },
    close: async () => {},
  }
  const relayIdentity = { name: 'r', stream: { id: 's', created: 'c', retentionMs: null }, start: null, settings: {} }
  const claim = { relay: relayIdentity, firstPositions: async () => new Map(), takeOver: false }
  const limits = { records: recordsPerBatch, bytes: 1e9, waitMs: 1e6 }
  return { log, parts: { source, examine, sink, claim, limits, ledger: new Ledger(), lag: new Lag(), log: SILENT } }
}

const examine: Examine = (record) => {
  if (record.sequence === 'bad') throw new RelayError('DECODE_NOT_JSON', 'no JSON')
  return [put('k', 1, { shard: 'a', sequence: record.sequence })]
}

function onePage(sequence: string): Page {
  const record: RawRecord = { shard: 'a', sequence, arrivedAt: 1, data: new Uint8Array(1) }
  return {
    shard: 'a',
    records: [record],
    end: { sequence, arrivedAt: 1, caughtUpAt: null },
    behindMs: 0,
    committed() {},
  }
}
