import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RawRecord } from '../../../src/change.ts'
import { fileSource } from '../../../src/ingest/file/source.ts'
import { SILENT } from '../../../src/observe/log.ts'
import { drain, textOf } from '../conformance.ts'

const PAYLOADS = ['{"i":1}', '{"i":2}', '{"i":3}']
const SEQUENCES = [
  '49630754920297146318042064765128372012341141379089432620',
  '49630754920297146318042064765128372012341141379089432621',
  '49630754920297146318042064765128372012341141379089432622',
]
const base64 = (text: string): string => Buffer.from(text).toString('base64')

const answer = {
  Records: PAYLOADS.map((payload, i) => ({
    SequenceNumber: SEQUENCES[i],
    ApproximateArrivalTimestamp: '2022-06-24T14:18:58.894000+09:00',
    Data: base64(payload),
    PartitionKey: 'D1174FF2F6189C4B8B91C573346158AD',
  })),
  NextShardIterator: 'AAAA',
  MillisBehindLatest: 0,
}
const event = {
  Records: PAYLOADS.map((payload, i) => ({
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey: '1',
      sequenceNumber: SEQUENCES[i],
      data: base64(payload),
      approximateArrivalTimestamp: 1656047938.894,
    },
    eventSource: 'aws:kinesis',
    eventID: `shardId-000000000006:${SEQUENCES[i]}`,
    eventSourceARN: 'arn:aws:kinesis:eu-west-1:111122223333:stream/orders',
  })),
}

const files: readonly (readonly [title: string, text: string, shard: string])[] = [
  ['an answer of the AWS CLI', `${JSON.stringify(answer, null, 4)}\n`, 'file'],
  ['the same on one line', JSON.stringify(answer), 'file'],
  ['its records alone', JSON.stringify(answer.Records, null, 2), 'file'],
  ['an event of Lambda', JSON.stringify(event, null, 2), 'shardId-000000000006'],
]

for (const [title, text, shard] of files) {
  test(`file: ${title}`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-file-'))
    t.after(() => rm(folder, { recursive: true }))
    const path = join(folder, 'answer')
    await writeFile(path, text)
    const source = fileSource({ path, log: SILENT })
    const readFrom = async (sequence: string): Promise<RawRecord[]> => {
      const pages = await drain(source, new Map([['file', { sequence, arrivedAt: null, caughtUpAt: null }]]))
      return [...pages.values()].flat().flatMap(({ records }) => records)
    }

    const all = await readFrom('TRIM_HORIZON')
    assert.deepEqual(all.map(textOf), PAYLOADS)
    assert.deepEqual(
      all.map(({ origin }) => origin),
      SEQUENCES.map((sequence) => ({ shard, sequence })),
    )
    assert.deepEqual(new Set(all.map(({ arrivedAt }) => arrivedAt)), new Set([1656047938894]))
    assert.deepEqual((await readFrom(all[0]!.sequence)).map(textOf), PAYLOADS.slice(1))

    // The loop that asks for one answer after the other.
    await writeFile(path, text + text)
    assert.deepEqual((await readFrom(all[2]!.sequence)).map(textOf), PAYLOADS)
  })
}
