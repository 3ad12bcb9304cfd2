/**
 * A Kinesis endpoint that replays a stream made beforehand, as a process of its own: what a relay costs can then be
 * measured without an emulator. Speaks the four calls of a reader in JSON 1.1, without TLS and without signatures.
 *
 *   node bench/replay-endpoint.ts dynamodb|dms CHANGES FOLDER
 *
 * Prints `{"port":…,"records":…}` on one line when it is ready, and ends when its standard input does.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { iterator, type Pages, writePages } from './replay-pages.ts'
import { type ReplayedFeed, replayRecords } from './replay-records.ts'

const SHARDS = 4
/** What GetRecords gives at most. */
const MOST_RECORDS = 10_000
const [feed, changes, folder] = [process.argv[2] as ReplayedFeed, Number(process.argv[3]), process.argv[4]!]

const pages = await writePages(join(folder, 'pages'), SHARDS, replayRecords(feed, changes))
const createdAt = Math.floor(Date.now() / 1000) - 3_600

const server = createServer(async (request, response) => {
  const target = String(request.headers['x-amz-target'])
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = await answer(pages, target.split('.')[1]!, JSON.parse(Buffer.concat(chunks).toString()))
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1', 'content-length': body.length })
  response.end(body)
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
console.log(JSON.stringify({ port: (server.address() as AddressInfo).port, records: pages.records }))

process.stdin.resume()
await once(process.stdin, 'end')
process.exit()

/** What the calls of a reader bring, as far as it matters here. */
interface Request {
  readonly ShardId: string
  readonly ShardIterator: string
  readonly ShardIteratorType: string
  readonly Limit?: number
}

async function answer(pages: Pages, operation: string, request: Request): Promise<Buffer> {
  switch (operation) {
    case 'GetRecords': {
      const [shard, piece] = request.ShardIterator.split('/').map(Number)
      return pages.body(shard!, piece!, request.Limit ?? MOST_RECORDS)
    }
    case 'GetShardIterator':
      if (request.ShardIteratorType !== 'TRIM_HORIZON') throw new Error('The replay begins at the beginning only')
      return json({ ShardIterator: iterator(pages.shards.indexOf(request.ShardId), 0) })
    case 'ListShards':
      return json({ Shards: pages.shards.map(shardDescription) })
    case 'DescribeStreamSummary':
      return json({
        StreamDescriptionSummary: {
          StreamName: 'replay',
          StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/replay',
          StreamStatus: 'ACTIVE',
          RetentionPeriodHours: 24,
          StreamCreationTimestamp: createdAt,
          EnhancedMonitoring: [],
          OpenShardCount: SHARDS,
        },
      })
    default:
      throw new Error(`A reader does not need ${operation}`)
  }
}

function shardDescription(id: string, index: number): object {
  const width = 2n ** 128n / BigInt(SHARDS)
  const start = width * BigInt(index)
  return {
    ShardId: id,
    HashKeyRange: { StartingHashKey: String(start), EndingHashKey: String(start + width - 1n) },
    SequenceNumberRange: { StartingSequenceNumber: '0' },
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
