import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { RawRecord } from '../../../src/change.ts'
import { fileSource } from '../../../src/ingest/file/source.ts'
import type { Source } from '../../../src/ingest/source.ts'
import { SILENT } from '../../../src/observe/log.ts'
import type { Position, StreamIdentity } from '../../../src/position.ts'
import { startNode } from '../../support/processes/node-process.ts'
import { describeSource, drain, type Held, type OpenSource, textOf } from '../conformance.ts'

describeSource('file', openHeld, { shards: 1 })

async function openHeld({ shards, memoryBytes }: Held): Promise<OpenSource> {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-file-'))
  const path = join(folder, 'capture.jsonl')
  await writeFile(
    path,
    shards
      .flat()
      .map((payload) => `${payload}\n`)
      .join(''),
  )
  const open = () => fileSource({ path, log: SILENT, ...(memoryBytes === undefined ? {} : { memoryBytes }) })
  return {
    source: open(),
    reopen: async () => open(),
    close: () => rm(folder, { recursive: true }),
  }
}

test('file: line ends of either kind, blank lines, and a last line without end', async (t) => {
  const { source } = await fileOf(t, '\n{"a":1}\r\n\r\n  \t\n{"a":"ü"}\n{"a":3}')
  const records = await readAll(source)
  assert.deepEqual(records.map(textOf), ['{"a":1}', '{"a":"ü"}', '{"a":3}'])
  assert.deepEqual(
    records.map(({ sequence }) => sequence),
    ['10', '27', '34'],
  )
})

test('file: what is no JSON is a record as well, byte by byte', async (t) => {
  const bytes = Buffer.concat([Buffer.from('no json\n'), Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from('{"kinesis"\n')])
  const { source } = await fileOf(t, bytes)
  assert.deepEqual(
    (await readAll(source)).map(({ data }) => Buffer.from(data).toString('latin1')),
    ['no json', '\xff\xfe', '{"kinesis"'],
  )
})

test('file: a line longer than many chunks', async (t) => {
  const long = JSON.stringify({ text: 'ü'.repeat(2_000_000) })
  const { source } = await fileOf(t, `{"a":1}\n${long}\n{"a":3}\n`)
  assert.deepEqual((await readAll(source)).map(textOf), ['{"a":1}', long, '{"a":3}'])
})

test('file: an unfinished last line is said and left, and read when it is finished', async (t) => {
  const { path, source, warnings } = await fileOf(t, '{"a":1}\n{"a":"')
  const [first, ...none] = await readAll(source)
  assert.deepEqual([first!.sequence, none], ['8', []])
  assert.deepEqual(warnings, [
    'The file ends in the middle of something: what is not finished is left for the next run',
  ])

  await appendFile(path, 'ü"}\n{"a":3}\n')
  const rest = await readAll(source, first!.sequence)
  assert.deepEqual(rest.map(textOf), ['{"a":"ü"}', '{"a":3}'])
})

test('file: a whole last line without end is read once, though its end comes later', async (t) => {
  const { path, source, warnings } = await fileOf(t, '{"a":1}')
  const [first] = await readAll(source)
  assert.deepEqual(warnings, [])
  await appendFile(path, '\n{"a":2}\n')
  assert.deepEqual((await readAll(source, first!.sequence)).map(textOf), ['{"a":2}'])
})

const PAYLOAD = '{"eventName":"INSERT","text":"ü"}'
const BASE64 = Buffer.from(PAYLOAD).toString('base64')
const SEQUENCE = '49600000000000000000000000000000000000000000000000000001'
const ORIGIN = { shard: 'shardId-000000000003', sequence: SEQUENCE }

type Unwrapped = { text: string; origin: RawRecord['origin'] | undefined; arrivedAt: number | null }

const wrappers: { title: string; line: object | string; record: Unwrapped }[] = [
  {
    title: 'an event record of Lambda',
    line: {
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: 'a',
        sequenceNumber: SEQUENCE,
        data: BASE64,
        approximateArrivalTimestamp: 1767225600.123,
      },
      eventSource: 'aws:kinesis',
      eventID: `shardId-000000000003:${SEQUENCE}`,
    },
    record: { text: PAYLOAD, origin: ORIGIN, arrivedAt: 1767225600123 },
  },
  {
    title: 'an event record with milliseconds and no data in it',
    line: {
      kinesis: { sequenceNumber: SEQUENCE, data: '', approximateArrivalTimestamp: 1767225600123 },
      eventID: `shardId-000000000003:${SEQUENCE}`,
    },
    record: { text: '', origin: ORIGIN, arrivedAt: 1767225600123 },
  },
  {
    title: 'an event of EventBridge Pipes',
    line: {
      kinesisSchemaVersion: '1.0',
      sequenceNumber: SEQUENCE,
      data: BASE64,
      approximateArrivalTimestamp: 1767225600.123,
      eventSource: 'aws:kinesis',
      eventID: `shardId-000000000003:${SEQUENCE}`,
    },
    record: { text: PAYLOAD, origin: ORIGIN, arrivedAt: 1767225600123 },
  },
  {
    title: 'a record of the AWS CLI',
    line: {
      SequenceNumber: SEQUENCE,
      ApproximateArrivalTimestamp: '2026-01-01T01:00:00.123000+01:00',
      Data: BASE64,
      PartitionKey: 'a',
    },
    record: { text: PAYLOAD, origin: { shard: 'file', sequence: SEQUENCE }, arrivedAt: 1767225600123 },
  },
  {
    title: 'a record of an older AWS CLI',
    line: { SequenceNumber: SEQUENCE, ApproximateArrivalTimestamp: 1767225600.123, Data: BASE64, PartitionKey: 'a' },
    record: { text: PAYLOAD, origin: { shard: 'file', sequence: SEQUENCE }, arrivedAt: 1767225600123 },
  },
  ...[
    { shardId: ORIGIN.shard, sequenceNumber: SEQUENCE },
    { shard: ORIGIN.shard, sequence: SEQUENCE, partitionKey: 'a' },
  ].map((kinesis) => {
    const line = JSON.stringify({ eventName: 'INSERT', kinesis })
    return {
      title: `a record that names ${Object.keys(kinesis)}`,
      line,
      record: { text: line, origin: ORIGIN, arrivedAt: null },
    }
  }),
  ...[
    '{"kinesis":"text"}',
    '{"kinesis":{"shardId":"s"}}',
    '{"kinesis":{"shardId":"s","sequenceNumber":4960}}',
    '{"kinesis":{"data":"not base64!","sequenceNumber":"1"},"eventID":"s:1"}',
    '{"Data":"AAAA"}',
    '{"Data":"no!","SequenceNumber":"1"}',
    '{"dynamodb":{"NewImage":{"kinesis":{"S":"x"},"Data":{"S":"y"}}}}',
  ].map((line) => ({ title: `no wrapper: ${line}`, line, record: { text: line, origin: undefined, arrivedAt: null } })),
]

for (const { title, line, record } of wrappers) {
  test(`file: ${title}`, async (t) => {
    const text = typeof line === 'string' ? line : JSON.stringify(line)
    const { source } = await fileOf(t, `${text}\n`)
    const [read] = await readAll(source)
    assert.equal(read!.shard, 'file')
    assert.equal(read!.sequence, String(Buffer.byteLength(text) + 1), 'the position is the byte offset')
    assert.deepEqual({ text: textOf(read!), origin: read!.origin, arrivedAt: read!.arrivedAt }, record)
  })
}

test('file: is known by path and head, and may grow', async (t) => {
  for (const bytes of [0, 10, 4095, 4096, 5000]) {
    const { path, source } = await fileOf(t, 'x'.repeat(bytes))
    const before = await identify(source)
    assert.equal(before.id, path)
    assert.match(before.created, new RegExp(`^sha256:${Math.min(bytes, 4096)}:[0-9a-f]{64}$`))
    await appendFile(path, 'y'.repeat(6000))
    const grown = await identify(source)
    assert.ok(grown.isSameAs?.(before.created), `grown from ${bytes} bytes`)

    await writeFile(path, 'z'.repeat(8000))
    assert.equal((await identify(source)).isSameAs?.(before.created), bytes === 0, `replaced after ${bytes} bytes`)
    if (bytes === 0) continue
    await writeFile(path, 'x'.repeat(Math.min(bytes, 4096) - 1))
    assert.equal((await identify(source)).isSameAs?.(before.created), false, `cut off before ${bytes} bytes`)
  }
})

test('file: shorter than the position is refused', async (t) => {
  const { path, source } = await fileOf(t, '{"a":1}\n{"a":2}\n')
  await truncate(path, 10)
  await assert.rejects(readAll(source, '16'), {
    code: 'SOURCE_CHANGED',
    message: new RegExp(`${path} has 10 bytes, but 16`),
  })
})

test('file: what cannot be read is named', async (t) => {
  const { path } = await fileOf(t, '')
  const missing = fileSource({ path: `${path}.no`, log: SILENT })
  await assert.rejects(identify(missing), { code: 'SOURCE_NOT_FOUND', message: new RegExp(`${path}.no`) })
  await assert.rejects(readAll(missing), { code: 'SOURCE_NOT_FOUND' })
  const folder = fileSource({ path: tmpdir(), log: SILENT })
  await assert.rejects(identify(folder), { code: 'CONFIGURATION', message: /not a regular file/ })
})

test('file: starts at the beginning only', async (t) => {
  const { source } = await fileOf(t, '')
  const { signal } = new AbortController()
  await assert.rejects(source.firstPositions!({ kind: 'latest' }, signal), {
    code: 'CONFIGURATION',
    place: { option: 'start' },
  })
  await assert.rejects(source.firstPositions!({ kind: 'time', ms: 1 }, signal), { code: 'CONFIGURATION' })
})

test('standard input: is read to its end, an unfinished last line included', async (t) => {
  const reader = startNode(import.meta.resolve('./read-stdin.ts'), [])
  t.after(reader.kill)
  reader.child.stdin!.write('{"a":"')
  reader.child.stdin!.end('ü"}\r\n\n{"a":2}\n{"a":')
  const lines: string[] = []
  for await (const line of reader.lines) lines.push(line)
  assert.deepEqual(lines, ['12 {"a":"ü"}', '21 {"a":2}', '26 {"a":', 'again: SOURCE_CHANGED'])
})

test('standard input: an abort ends the wait for more', async (t) => {
  const reader = startNode(import.meta.resolve('./read-stdin.ts'), ['abort after the first'])
  t.after(reader.kill)
  reader.child.stdin!.write('{"a":1}\n')
  const lines: string[] = []
  for await (const line of reader.lines) lines.push(line)
  assert.deepEqual(lines, ['8 {"a":1}', 'again: SOURCE_CHANGED'])
})

test('standard input: what is deferred is kept, since it cannot be read again', async (t) => {
  const reader = startNode(import.meta.resolve('./read-stdin.ts'), ['give the first page back'])
  t.after(reader.kill)
  reader.child.stdin!.end('{"a":1}\n{"a":2}\n{"a":3}\n')
  const lines: string[] = []
  for await (const line of reader.lines) lines.push(line)
  assert.deepEqual(lines, ['8 {"a":1}', '16 {"a":2}', '24 {"a":3}', 'again: SOURCE_CHANGED'])
})

const identify = (source: Source): Promise<StreamIdentity> => source.identify(new AbortController().signal)

async function readAll(source: Source, after?: string): Promise<RawRecord[]> {
  const position: Position | undefined =
    after === undefined ? undefined : { sequence: after, arrivedAt: null, caughtUpAt: null }
  const read = await drain(source, new Map(position === undefined ? [] : [['file', position]]))
  return [...read.values()].flat().flatMap((page) => page.records)
}

interface OpenFile {
  readonly path: string
  readonly source: Source
  readonly warnings: readonly string[]
}

async function fileOf(t: TestContext, content: string | Buffer): Promise<OpenFile> {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-file-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'capture.jsonl')
  await writeFile(path, content)
  assert.equal((await readFile(path)).length, Buffer.byteLength(content))
  const warnings: string[] = []
  const log = { ...SILENT, warn: (_: object, message: string) => void warnings.push(message) }
  return { path, source: fileSource({ path, log }), warnings }
}
