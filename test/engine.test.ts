import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Written } from '../src/batch.ts'
import type { RawRecord } from '../src/change.ts'
import { RelayError } from '../src/errors.ts'
import { type PushedSource, pushedSource } from '../src/ingest/pushed.ts'
import { openRelay, type RelayOptions } from '../src/open-relay.ts'
import type { Sink, Write } from '../src/sinks/sink.ts'
import { type MemoryTarget, memoryTarget } from './support/targets/memory-sink.ts'

/** A record of a DynamoDB table, as the stream gives it. */
function record(id: string, version: number, shard = 'a'): RawRecord {
  const item = { id: { S: id }, at: { N: `${version}` } }
  const time = {
    ApproximateCreationDateTime: 1754300000000000 + version,
    ApproximateCreationDateTimePrecision: 'MICROSECOND',
  }
  const dynamodb = { Keys: { id: item.id }, NewImage: item, ...time }
  const said = { eventID: 'e', eventSource: 'aws:dynamodb', eventName: 'INSERT', tableName: 'orders', dynamodb }
  return { shard, sequence: `${version}`, arrivedAt: null, data: Buffer.from(JSON.stringify(said)) }
}

/** A record of a DMS task. */
function dms(sequence: number, operation: string, rest: object, shard = 'a'): RawRecord {
  const isRow = 'data' in rest
  const metadata = {
    timestamp: '2026-01-01T20:40:00.123456Z',
    'record-type': isRow ? 'data' : 'control',
    operation,
    'schema-name': 'harbour',
    'table-name': 'berths',
  }
  return { shard, sequence: `${sequence}`, arrivedAt: null, data: Buffer.from(JSON.stringify({ ...rest, metadata })) }
}

const CREATE = {
  control: { 'table-def': { columns: { id: { type: 'INT64' } }, 'primary-key': ['id'] } },
}

interface Opened {
  readonly relay: Awaited<ReturnType<typeof openRelay>>
  readonly pushed: PushedSource
}

async function open(sink: Sink, options: Partial<RelayOptions> = {}): Promise<Opened> {
  const pushed = pushedSource({ id: 'arn:aws:kinesis:eu-north-1:1:stream/changes' })
  return { relay: await openRelay({ name: 'relay', source: pushed, sink, ...options }), pushed }
}

/** The sink with each of its writes done by `write`, which is given the real one. */
const through = (sink: Sink, write: (real: Write, signal: AbortSignal) => Promise<Written>): Sink => ({
  ...sink,
  prepare(batch) {
    const real = sink.prepare(batch)
    return (signal) => write(real, signal)
  },
})

const written = async (real: Write, signal: AbortSignal): Promise<Written> => {
  const answer = await real(signal)
  assert.equal(answer.kind, 'written')
  return answer as Written
}

const rowsOf = ({ tables }: MemoryTarget, table: string): Record<string, string | null> =>
  Object.fromEntries([...(tables.get(table) ?? [])].map(([key, { data }]) => [key, data]))

const A = '[["id","a"]]'

test('a call ends when its records are durable; no positions are stored, and what comes again or late changes nothing', async () => {
  const target = memoryTarget()
  const { relay } = await open(target.sink())
  assert.equal(await relay.deliver('a', [record('a', 1), record('a', 2)]), 'committed')
  assert.deepEqual(rowsOf(target, 'orders'), { [A]: '{"id":"a","at":2}' })
  assert.equal(await relay.deliver('a', [record('a', 1)]), 'committed')
  assert.deepEqual(rowsOf(target, 'orders'), { [A]: '{"id":"a","at":2}' })
  assert.equal(target.positions('relay').size, 0)
  await relay.close()
})

test('what a caught-up shard pushes is written at once, with what others push in the same turn; it waits where that is asked for', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  for (const [limits, committed] of [
    [{}, ['a', 'b', 'a']],
    [{ waitMs: 100 }, []],
    [{ waitMs: 100, caughtUpWaitMs: 0 }, ['a', 'b', 'a']],
  ] as const) {
    const { relay, pushed } = await open(memoryTarget().sink(), { limits })
    const running = relay.run(new AbortController().signal)
    const log: string[] = []
    const push = async (shard: string, version: number) => {
      await pushed.push(shard, [record(shard, version, shard)])
      log.push(shard)
    }
    const first = Promise.all([push('a', 1), push('b', 2)])
    await turns()
    const second = push('a', 3)
    await turns()
    assert.deepEqual(log, committed)
    t.mock.timers.tick(100)
    await Promise.all([first, second])
    pushed.end()
    await running
    await relay.close()
  }
})

/** Everything that waits for nothing has happened. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn()
}

test('a call that is out of time fails at once, and the next one waits for the write that hangs', async () => {
  const target = memoryTarget()
  const hanging = Promise.withResolvers<void>()
  const log: string[] = []
  const sink = through(target.sink(), async (real, signal) => {
    log.push('write')
    await hanging.promise
    const answer = await written(real, signal)
    log.push('written')
    return answer
  })
  const { relay } = await open(sink)
  const deadline = new AbortController()
  const call = relay.deliver('a', [record('a', 1)], { signal: deadline.signal })
  while (log.length === 0) await new Promise(setImmediate)
  deadline.abort(new Error('out of time'))
  await assert.rejects(call, /out of time/)
  const next = relay.deliver('a', [record('a', 1), record('a', 2)])
  hanging.resolve()
  assert.equal(await next, 'committed')
  assert.deepEqual(log, ['write', 'written', 'write', 'written'])
  await relay.close()
})

test('a target that is away: the deadline ends the call, which fails, and a later call is written', async () => {
  const target = memoryTarget()
  let isAway = true
  let attempts = 0
  const sink = through(target.sink(), (real, signal) => {
    attempts++
    return isAway ? Promise.reject(new RelayError('SINK_UNREACHABLE', 'away')) : written(real, signal)
  })
  const deadline = new AbortController()
  const { relay } = await open(sink, { observer: { failed: () => attempts > 1 && deadline.abort(new Error('late')) } })
  await assert.rejects(relay.deliver('a', [record('a', 1)], { signal: deadline.signal }), /late/)
  assert.equal(target.tables.size, 0)
  isAway = false
  assert.equal(await relay.deliver('a', [record('a', 1)]), 'committed')
  assert.deepEqual(rowsOf(target, 'orders'), { [A]: '{"id":"a","at":1}' })
  await relay.close()
})

test('a call whose time is over before its turn comes writes nothing', async () => {
  const target = memoryTarget()
  const hanging = Promise.withResolvers<void>()
  const sink = through(target.sink(), async (real, signal) => {
    await hanging.promise
    return await written(real, signal)
  })
  const { relay } = await open(sink)
  const first = relay.deliver('a', [record('a', 1)])
  const deadline = new AbortController()
  const late = relay.deliver('b', [record('b', 2, 'b')], { signal: deadline.signal })
  deadline.abort(new Error('late'))
  await assert.rejects(late, /late/)
  hanging.resolve()
  assert.equal(await first, 'committed')
  await relay.close()
  assert.deepEqual(Object.keys(rowsOf(target, 'orders')), [A])
})

test('a target that is away while it is asked for a key: the deadline ends the call, and a later one goes on', async () => {
  const target = memoryTarget()
  const deadline = new AbortController()
  const sink: Sink = {
    ...target.sink({ needsKeys: true }),
    keyColumns: () => Promise.reject(new RelayError('SINK_UNREACHABLE', 'away')),
  }
  const { relay } = await open(sink, { observer: { failed: () => deadline.abort(new Error('late')) } })
  const row = dms(1, 'insert', { data: { id: 7 } })
  await assert.rejects(relay.deliver('a', [row], { signal: deadline.signal }), /late/)
  assert.equal(await relay.deliver('a', [record('a', 1)]), 'committed')
  assert.deepEqual(rowsOf(target, 'orders'), { [A]: '{"id":"a","at":1}' })
  await relay.close()
})

test('facts that cannot be read fail the call, which does not wait for ever', async () => {
  const sink = memoryTarget().sink()
  const { relay } = await open({
    ...sink,
    open: async (opening, signal) => {
      return { ...(await sink.open(opening, signal)), facts: new Map([['table harbour.berths', 'no JSON']]) }
    },
  })
  await assert.rejects(relay.deliver('a', [record('a', 1)]), { code: 'STATE_BROKEN' })
  await relay.close()
})

test('a refused write fails the call or the push with its error, and what it had learned is learned again', async () => {
  const target = memoryTarget()
  let isRefused = true
  const sink = through(target.sink({ needsKeys: true }), (real, signal) => {
    if (isRefused) return Promise.reject(new RelayError('SINK_REFUSED', 'no'))
    return written(real, signal)
  })
  const { relay, pushed } = await open(sink)
  const records = [dms(1, 'create-table', CREATE), dms(2, 'insert', { data: { id: 7 } })]
  await assert.rejects(relay.deliver('a', records), { code: 'SINK_REFUSED' })

  const run = relay.run(new AbortController().signal)
  await assert.rejects(pushed.push('a', records), { code: 'SINK_REFUSED' })
  await assert.rejects(run, { code: 'SINK_REFUSED' })

  isRefused = false
  assert.equal(await relay.deliver('a', records), 'committed')
  assert.deepEqual([...target.facts('relay').keys()], ['table harbour.berths'])
  await relay.close()
})

test('a row waits for its key: the call says from where, and its definition behind it is kept for good when it comes again', async () => {
  const target = memoryTarget()
  const { relay } = await open(target.sink({ needsKeys: true }))
  const records = [
    dms(1, 'insert', { data: { id: 7 } }),
    dms(2, 'create-table', CREATE),
    dms(3, 'insert', { data: { id: 8 } }),
  ]
  assert.deepEqual(await relay.deliver('a', records), { from: '1' })
  assert.equal(target.tables.size, 0)
  assert.equal(await relay.deliver('a', records), 'committed')
  assert.equal(target.tables.get('harbour.berths')?.size, 2)
  assert.deepEqual([...target.facts('relay').keys()], ['table harbour.berths'])
  await relay.close()
})

test('what another process of the name learned of a table is asked for before a row waits', async () => {
  const target = memoryTarget()
  const [one, other] = [await open(target.sink({ needsKeys: true })), await open(target.sink({ needsKeys: true }))]
  assert.equal(await one.relay.deliver('a', [dms(1, 'create-table', CREATE, 'a')]), 'committed')
  assert.equal(await other.relay.deliver('b', [dms(5, 'insert', { data: { id: 7 } }, 'b')]), 'committed')
  assert.deepEqual(Object.keys(rowsOf(target, 'harbour.berths')), ['[["id","7"]]'])
  await one.relay.close()
  await other.relay.close()
})

test('shards that are pushed at the same time share batches, and a run ends in good order', async () => {
  const target = memoryTarget()
  const { relay, pushed } = await open(target.sink())
  const stop = new AbortController()
  const run = relay.run(stop.signal)
  const pushes = ['a', 'b', 'c'].map((shard, i) => pushed.push(shard, [record(shard, i + 1, shard)]))
  assert.deepEqual(await Promise.all(pushes), ['committed', 'committed', 'committed'])
  assert.equal(target.tables.get('orders')?.size, 3)
  stop.abort(new Error('SIGTERM'))
  await run
  await assert.rejects(pushed.push('a', [record('a', 9)]), /SIGTERM/)
  await relay.close()
})

test('an opening that fails closes source and sink', async () => {
  const closed: string[] = []
  const source = { ...pushedSource({ id: 'arn' }), close: async () => void closed.push('source') }
  const sink: Sink = {
    ...memoryTarget().sink(),
    open: () => Promise.reject(new RelayError('CONFIGURATION', 'no')),
    close: async () => void closed.push('sink'),
  }
  await assert.rejects(openRelay({ name: 'relay', source, sink }), { code: 'CONFIGURATION' })
  assert.deepEqual(closed, ['sink', 'source'])
})
