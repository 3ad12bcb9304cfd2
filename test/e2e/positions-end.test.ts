import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { kinesisSource } from '../../src/ingest/kinesis/source.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { observers } from '../../src/observe/observer.ts'
import { openRelay } from '../../src/open-relay.ts'
import { jsonlEmitter } from '../../src/sinks/jsonl.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { sqlSink } from '../../src/sinks/sql/sink.ts'
import { withState } from '../../src/sinks/with-state.ts'
import { fileStateStore } from '../../src/state/file.ts'
import { type KinesisEndpoint, startKinesisEndpoint } from '../support/kinesis/kinesis-endpoint.ts'
import { pgliteFolder } from '../support/postgres/pglite.ts'

const HOUR_MS = 3_600_000

/** How to open the sink, as often as wanted, over what is in it. */
const SINKS: Readonly<Record<string, (folder: string) => Promise<() => Sink>>> = {
  'a state file': async (folder) => () =>
    withState(jsonlEmitter({ path: join(folder, 'changes.jsonl') }), fileStateStore(join(folder, 'state.json'))),
  PGlite: async () => {
    const { url } = await pgliteFolder()
    return () => sqlSink({ url })
  },
}

for (const [title, place] of Object.entries(SINKS)) {
  test(`${title}: the position of a shard that was read out ends once the stream lists the shard no more`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'positions-end-'))
    t.after(() => rm(folder, { recursive: true }))
    const open = await place(folder)
    const kinesis = await startKinesisEndpoint()
    t.after(() => kinesis.close())
    kinesis.retentionHours = 72
    const [parent] = kinesis.open(1, kinesis.now() - 60 * HOUR_MS) as [string]
    kinesis.put(parent, [order(1), order(2)], kinesis.now() - 50 * HOUR_MS)
    const children = kinesis.split(parent, kinesis.now() - 50 * HOUR_MS)
    kinesis.put(children[0]!, [order(3)])

    assert.deepEqual(await run(kinesis, open()), { begins: [], read: 3 })

    kinesis.retentionHours = 24
    kinesis.forget(parent)
    assert.deepEqual(await run(kinesis, open()), { begins: [parent, ...children], read: 0 })

    kinesis.put(children[1]!, [order(4)])
    assert.deepEqual(await run(kinesis, open()), { begins: children, read: 1 }, 'no gap, and nothing read twice')
    assert.deepEqual(await run(kinesis, open()), { begins: children, read: 0 })
  })
}

/** A relay that reads to the end of the stream: the shards whose positions were stored before, and how much it read. */
async function run(kinesis: KinesisEndpoint, sink: Sink): Promise<{ begins: string[]; read: number }> {
  const ledger = new Ledger()
  const begins: string[] = []
  const observer = observers(ledger, { begins: (positions) => void begins.push(...[...positions.keys()].sort()) })
  const source = kinesisSource({ stream: kinesis.arn, endpointUrl: kinesis.url, untilLatest: true })
  const relay = await openRelay({ name: 'orders', source, sink, observer })
  await relay.run(new AbortController().signal).finally(() => relay.close())
  return { begins, read: ledger.readCount }
}

function order(id: number): string {
  const Keys = { id: { N: `${id}` } }
  const dynamodb = { Keys, NewImage: Keys, ApproximateCreationDateTime: 1754300000000 + id }
  return JSON.stringify({
    eventID: `${id}`,
    eventSource: 'aws:dynamodb',
    eventName: 'INSERT',
    tableName: 'orders',
    dynamodb,
  })
}
