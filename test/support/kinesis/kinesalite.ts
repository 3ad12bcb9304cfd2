import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordsCommand,
  type Shard,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'

type Options = Readonly<Record<string, number>>
const kinesalite = createRequire(import.meta.url)('kinesalite') as (options: Options) => Server

export interface Put {
  readonly data: string | Uint8Array
  /** Decides the shard, unless `hashKey` does. */
  readonly key?: string
  /** Decimal, 0 to 2^128-1. */
  readonly hashKey?: string
}

/** Where a record came to lie. */
export interface Stored {
  readonly shard: string
  readonly sequence: string
}

export interface SeenRequest {
  /** `GetRecords` and so on. */
  readonly operation: string
  readonly body: Readonly<Record<string, unknown>>
}

/** A Kinesis emulator in this process. */
export interface Kinesalite {
  readonly endpoint: string
  createStream(stream: string, shards: number): Promise<void>
  deleteStream(stream: string): Promise<void>
  /** In order, as many requests as are needed. */
  put(stream: string, records: readonly Put[]): Promise<Stored[]>
  /** Puts to one shard, which must be open. */
  putTo(stream: string, shard: string, data: readonly (string | Uint8Array)[]): Promise<Stored[]>
  shards(stream: string): Promise<Shard[]>
  openShards(stream: string): Promise<string[]>
  /** Splits a shard in the middle; gives the ids of the children. */
  split(stream: string, shard: string): Promise<string[]>
  /** Merges two neighbours; gives the id of the child. */
  merge(stream: string, first: string, second: string): Promise<string>
  /** Calls `listener` for each request when it has arrived, before it is answered. Returns how to stop that. */
  observe(listener: (request: SeenRequest) => void): () => void
  close(): Promise<void>
}

export async function startKinesalite(): Promise<Kinesalite> {
  const server = kinesalite({ createStreamMs: 0, deleteStreamMs: 0, updateStreamMs: 0, shardLimit: 1000 })
  // A demo or a test may keep this process busy for longer than the 5 s after which idle connections are closed.
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new KinesisClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: new NodeHttpHandler(),
  })

  const listeners = new Set<(request: SeenRequest) => void>()
  server.prependListener('request', (request: IncomingMessage) => {
    if (listeners.size > 0) observeRequest(request, listeners)
  })

  const shards = async (stream: string): Promise<Shard[]> => {
    const { Shards } = await client.send(new ListShardsCommand({ StreamName: stream }))
    return Shards ?? []
  }
  /** Creating and resharding are done a moment after their answer. */
  const until = async (stream: string, isDone: (found: Shard[]) => boolean): Promise<Shard[]> => {
    for (;;) {
      const found = await shards(stream)
      if (isDone(found)) return found
    }
  }
  const put = async (stream: string, records: readonly Put[]): Promise<Stored[]> => {
    const stored: Stored[] = []
    for (const part of requestsOf(records)) {
      const { Records } = await client.send(new PutRecordsCommand({ StreamName: stream, Records: part }))
      stored.push(...Records!.map((one) => ({ shard: one.ShardId!, sequence: one.SequenceNumber! })))
    }
    return stored
  }

  return {
    endpoint,
    async createStream(stream, count) {
      await client.send(new CreateStreamCommand({ StreamName: stream, ShardCount: count }))
      await until(stream, (found) => found.length === count)
    },
    async deleteStream(stream) {
      await client.send(new DeleteStreamCommand({ StreamName: stream }))
      for (let isThere = true; isThere; ) isThere = await shards(stream).then(() => true, isUnknownStream)
    },
    put,
    async putTo(stream, shard, data) {
      const found = (await shards(stream)).find((one) => one.ShardId === shard)!
      const hashKey = found.HashKeyRange!.StartingHashKey!
      return put(
        stream,
        data.map((one) => ({ data: one, hashKey })),
      )
    },
    shards,
    async openShards(stream) {
      return (await shards(stream)).filter(isOpen).map((shard) => shard.ShardId!)
    },
    async split(stream, shard) {
      const { HashKeyRange: range } = (await shards(stream)).find((one) => one.ShardId === shard)!
      const middle = (BigInt(range!.StartingHashKey!) + BigInt(range!.EndingHashKey!)) / 2n
      await client.send(
        new SplitShardCommand({ StreamName: stream, ShardToSplit: shard, NewStartingHashKey: String(middle) }),
      )
      const after = await until(stream, (found) => found.some((one) => one.ParentShardId === shard))
      return after.filter((one) => one.ParentShardId === shard).map((one) => one.ShardId!)
    },
    async merge(stream, first, second) {
      await client.send(
        new MergeShardsCommand({ StreamName: stream, ShardToMerge: first, AdjacentShardToMerge: second }),
      )
      const isChild = (one: Shard) => one.ParentShardId === first && one.AdjacentParentShardId === second
      const after = await until(stream, (found) => found.some(isChild))
      return after.find(isChild)!.ShardId!
    },
    observe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      client.destroy()
      const closed = once(server, 'close')
      server.closeAllConnections()
      server.close()
      await closed
    },
  }
}

const isOpen = (shard: Shard): boolean => shard.SequenceNumberRange?.EndingSequenceNumber === undefined

function isUnknownStream(error: Error): false {
  if (error.name === 'ResourceNotFoundException') return false
  throw error
}

function observeRequest(request: IncomingMessage, listeners: ReadonlySet<(request: SeenRequest) => void>): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? ''
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>
    for (const listener of listeners) listener({ operation, body })
  })
}

/** The limits are 500 records, and 7 MiB of base64. */
function* requestsOf(records: readonly Put[]) {
  let part: { Data: Uint8Array; PartitionKey: string; ExplicitHashKey?: string }[] = []
  let bytes = 0
  for (const { data, key = 'key', hashKey } of records) {
    const bytesOf = typeof data === 'string' ? Buffer.from(data, 'utf8') : data
    if (part.length === 500 || (part.length > 0 && bytes + bytesOf.byteLength > 4 * 1024 * 1024)) {
      yield part
      part = []
      bytes = 0
    }
    part.push({ Data: bytesOf, PartitionKey: key, ...(hashKey === undefined ? {} : { ExplicitHashKey: hashKey }) })
    bytes += bytesOf.byteLength
  }
  if (part.length > 0) yield part
}
