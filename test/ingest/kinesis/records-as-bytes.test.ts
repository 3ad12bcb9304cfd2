import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { GetRecordsCommand, type GetRecordsOutput, KinesisClient } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { BufferPool } from '../../../src/ingest/buffer-pool.ts'
import { answerAsBytes, readRecordsAsBytes } from '../../../src/ingest/kinesis/records-as-bytes.ts'
import { type RecordsAnswer, readRecordsBody } from '../../../src/ingest/kinesis/records-body.ts'
import { anySeed, type Random, seededRandom } from '../../support/life/random.ts'

/** Answers each request with the body that is set last. */
async function answering() {
  let body = ''
  let status = 200
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'r1' }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const client = (): KinesisClient =>
    new KinesisClient({
      region: 'eu-north-1',
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler(),
    })
  const changed = client()
  readRecordsAsBytes(changed, new BufferPool())
  const ordinary = client()
  return {
    set(text: string, code = 200) {
      body = text
      status = code
    },
    both: () =>
      Promise.allSettled([changed, ordinary].map((one) => one.send(new GetRecordsCommand({ ShardIterator: 'i' })))),
    close() {
      for (const one of [changed, ordinary]) one.destroy()
      server.closeAllConnections()
      server.close()
    },
  }
}

/** What the relay uses of an answer. */
const used = ({ Records, NextShardIterator, MillisBehindLatest, ChildShards }: GetRecordsOutput) => ({
  records: Records?.map(({ SequenceNumber, ApproximateArrivalTimestamp, Data }) => [
    SequenceNumber,
    ApproximateArrivalTimestamp?.getTime(),
    Data === undefined ? null : Buffer.from(Data).toString('hex'),
  ]),
  next: NextShardIterator,
  behind: MillisBehindLatest,
  children: ChildShards?.length,
})

/** The same of an answer that was read as bytes. */
const usedAsBytes = (answer: RecordsAnswer) => ({
  records: answer
    .page('shard')
    .records()
    .map(({ sequence, arrivedAt, data }) => [sequence, arrivedAt ?? undefined, Buffer.from(data).toString('hex')]),
  next: answer.next ?? undefined,
  behind: answer.behindMs,
  children: undefined,
})

const RECORD = (data: string): string =>
  `{"SequenceNumber":"4960","ApproximateArrivalTimestamp":1.754300000123E9,"Data":"${data}","PartitionKey":"a\\"b\\\\"}`
const ANSWER = `{"MillisBehindLatest":12,"NextShardIterator":"AAAA+/=","Records":[${RECORD('e30=')},${RECORD('')},${RECORD('AAEC')}]}`

test('an answer to GetRecords is read as bytes, and says what the SDK says', async (t) => {
  const service = await answering()
  t.after(() => service.close())
  service.set(ANSWER)
  const [ours, theirs] = await service.both()
  if (ours!.status === 'rejected') throw ours!.reason
  if (theirs!.status === 'rejected') throw theirs!.reason
  const asBytes = answerAsBytes(ours!.value)
  // If this fails after an update, the SDK reads answers elsewhere: `readRecordsAsBytes` must follow it.
  assert.notEqual(asBytes, null)
  assert.deepEqual(usedAsBytes(asBytes!), used(theirs!.value))
})

test('an answer of another look, and a refusal, are left to the SDK', async (t) => {
  const service = await answering()
  t.after(() => service.close())
  const answers: readonly (readonly [body: string, status?: number])[] = [
    [
      `{"Records":[],"ChildShards":[{"ShardId":"s","ParentShards":["p"],"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"1"}}]}`,
    ],
    [`{ "Records": [ ] }`],
    // Longer than the room that its names leave.
    [`{"Records":[${RECORD('').replace('"4960"', `"${'1'.repeat(900)}"`)}]}`],
    [`{}`],
    [`{"Records":[${RECORD('e30=').replace('"4960"', '"49\\u0036"')}]}`],
    [`{"__type":"ExpiredIteratorException","message":"Iterator expired"}`, 400],
  ]
  for (const [body, status] of answers) {
    service.set(body, status)
    const [ours, theirs] = await service.both()
    assert.equal(ours!.status, theirs!.status, body)
    if (ours!.status === 'fulfilled' && theirs!.status === 'fulfilled') assert.deepEqual(ours!.value, theirs!.value)
    if (ours!.status === 'rejected' && theirs!.status === 'rejected')
      assert.equal(ours!.reason.name, theirs!.reason.name)
  }
})

test('spoiled bodies: what is read as bytes, JSON.parse reads the same', () => {
  const seed = anySeed()
  const random = seededRandom(seed)
  let taken = 0
  for (let i = 0; i < 20_000; i++) {
    const body = spoiled(random)
    const answer = readRecordsBody(Buffer.from(body))
    if (answer === null) continue
    taken++
    const parsed = JSON.parse(body) as { Records: Record<string, string>[] } & Record<string, unknown>
    const theirs = {
      records: parsed.Records.map(({ SequenceNumber, ApproximateArrivalTimestamp: seconds, Data }) => [
        SequenceNumber,
        seconds === undefined ? undefined : Math.round(Number(seconds) * 1000),
        Buffer.from(Data!, 'base64').toString('hex'),
      ]),
      next: parsed.NextShardIterator,
      behind: parsed.MillisBehindLatest ?? 0,
      children: undefined,
    }
    assert.deepEqual(usedAsBytes(answer), theirs, `seed ${seed}: ${body}`)
  }
  assert.ok(taken > 8000, `seed ${seed}: only ${taken} were taken`)
})

function spoiled(random: Random): string {
  const base64 = () =>
    Buffer.from(random.hex(8 * (1 + random.below(4))))
      .subarray(random.below(3))
      .toString('base64')
  const records = Array.from({ length: random.below(4) }, () => RECORD(base64()))
  const text = `{"MillisBehindLatest":${random.below(9)},"NextShardIterator":"i${random.below(9)}","Records":[${records.join(',')}]}`
  if (random.chance(0.5)) return text
  const at = random.below(text.length)
  const piece = random.pick(['', '"', ',', '}', ' ', '\\', '=', '7', 'null', '"Records":[],', text.slice(at, at + 20)])
  return text.slice(0, at) + piece + text.slice(at + random.below(2))
}
