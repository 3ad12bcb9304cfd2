import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signedBy } from '../aws-signature.ts'

/** What the service answers with status 400 and a name. */
export interface Refusal {
  readonly refusal: string
  readonly message: string
  readonly status: number
}

export const refusal = (name: string, message = name, status = 400): Refusal => ({
  refusal: name,
  message,
  status,
})

/** The connection is cut instead of an answer. */
export const RESET = Symbol('reset')

export type Body = Readonly<Record<string, unknown>>
export type Answer = Body | Refusal | typeof RESET

export interface EndpointRequest {
  readonly operation: string
  readonly body: Body
  readonly host: string
  /** Key, region and service of the signature. */
  readonly signedBy: string
}

/** Answers in place of the endpoint; undefined: the endpoint answers itself, which `usual` does too, to be altered. */
export type Script = (request: EndpointRequest, usual: () => Answer) => Answer | undefined

interface HeldRecord {
  readonly sequence: string
  readonly arrivedAt: number
  readonly data: string | Uint8Array
}

interface HeldShard {
  readonly id: string
  readonly parents: readonly string[]
  readonly range: readonly [bigint, bigint]
  readonly openedAt: number
  closedAt: number | null
  isListed: boolean
  readonly records: HeldRecord[]
}

const HASH_KEYS = 2n ** 128n
const MOST_RECORDS = 10_000
const MOST_BYTES = 10 * 1024 * 1024

/**
 * An endpoint that holds one stream and speaks what a reader needs, by the API reference: ARNs, pages and filters of
 * ListShards, ChildShards, MillisBehindLatest, answers of at most 10,000 records and 10 MiB, retention. What it shall do
 * wrong is scripted. Its clock can go wrong by `skewMs`; it checks the time of a signature as the service does.
 */
export class KinesisEndpoint {
  readonly name = 'orders'
  readonly arn = 'arn:aws:kinesis:eu-central-1:123456789012:stream/orders'
  readonly requests: EndpointRequest[] = []
  created = new Date('2024-07-01T00:00:00Z')
  retentionHours = 24
  skewMs = 0
  shardsPerPage = 100
  distribution: string | undefined
  connections = 0
  readonly #shards: HeldShard[] = []
  readonly #scripts = new Map<string, Script>()
  // Not text of one length, as the service's own: 8, 9, 10, … so that comparing them as text fails.
  #sequence = 7n
  readonly #server = createServer((request, response) => void this.#serve(request, response))

  async start(): Promise<void> {
    this.#server.on('connection', () => this.connections++)
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.closeAllConnections()
    this.#server.close()
    await closed
  }

  now(): number {
    return Date.now() + this.skewMs
  }

  script(operation: string, script: Script): void {
    this.#scripts.set(operation, script)
  }

  asked(operation: string): Body[] {
    return this.requests.filter((request) => request.operation === operation).map((request) => request.body)
  }

  /** As many shards as old as the stream, with equal parts of the hash keys. */
  open(count: number, openedAt = this.now()): string[] {
    return Array.from({ length: count }, (_, i) => {
      const at = (n: number) => (HASH_KEYS * BigInt(n)) / BigInt(count)
      return this.#add([], [at(i), at(i + 1) - 1n], openedAt)
    })
  }

  split(shard: string, at = this.now()): string[] {
    const parent = this.#close(shard, at)
    const [first, last] = parent.range
    const middle = (first + last) / 2n
    return [this.#add([shard], [first, middle], at), this.#add([shard], [middle + 1n, last], at)]
  }

  merge(first: string, second: string, at = this.now()): string {
    const parents = [this.#close(first, at), this.#close(second, at)]
    return this.#add([first, second], [parents[0]!.range[0], parents[1]!.range[1]], at)
  }

  put(shard: string, data: readonly (string | Uint8Array)[], arrivedAt = this.now()): string[] {
    const { records } = this.#shard(shard)
    return data.map((one) => {
      const sequence = String(++this.#sequence)
      records.push({ sequence, arrivedAt, data: one })
      return sequence
    })
  }

  /** The service forgets a shard: it is not listed, and cannot be read. */
  forget(shard: string): void {
    this.#shard(shard).isListed = false
  }

  /** The oldest records of a shard expire. */
  trim(shard: string, count: number): void {
    this.#shard(shard).records.splice(0, count)
  }

  /** How far behind the newest record an answer is that ends in front of `index`. */
  behindMs(shard: string, index: number): number {
    const next = this.#shard(shard).records[index]
    return next === undefined ? 0 : Math.max(1, this.now() - next.arrivedAt)
  }

  #add(parents: readonly string[], range: readonly [bigint, bigint], openedAt: number): string {
    const id = `shardId-${String(this.#shards.length).padStart(12, '0')}`
    this.#shards.push({ id, parents, range, openedAt, closedAt: null, isListed: true, records: [] })
    return id
  }

  #close(shard: string, at: number): HeldShard {
    const held = this.#shard(shard)
    held.closedAt = at
    return held
  }

  #shard(id: string): HeldShard {
    const held = this.#shards.find((shard) => shard.id === id)
    if (held === undefined) throw new Error(`no ${id}`)
    return held
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk as Buffer)
    const operation = String(message.headers['x-amz-target']).replace('Kinesis_20131202.', '')
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Body
    const request: EndpointRequest = {
      operation,
      body,
      host: String(message.headers.host),
      signedBy: signedBy(message),
    }
    this.requests.push(request)

    const usual = (): Answer => this.#usual(request)
    const answer = this.#staleSignature(message) ?? this.#scripted(request, usual) ?? usual()
    if (answer === RESET) {
      message.socket.resetAndDestroy()
      return
    }
    response.sendDate = false
    response.setHeader('Date', new Date(this.now()).toUTCString())
    response.setHeader('Content-Type', 'application/x-amz-json-1.1')
    if ('refusal' in answer) {
      const { refusal: name, message: text, status } = answer as Refusal
      response.writeHead(status).end(JSON.stringify({ __type: name, message: text }))
    } else {
      response.writeHead(200).end(JSON.stringify(answer))
    }
  }

  /** A script that throws fails the request, and so the test. */
  #scripted(request: EndpointRequest, usual: () => Answer): Answer | undefined {
    try {
      return this.#scripts.get(request.operation)?.(request, usual)
    } catch (error) {
      return refusal('ScriptFailed', String(error))
    }
  }

  #staleSignature(message: IncomingMessage): Refusal | undefined {
    const [, y, mo, d, h, mi, s] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(String(message.headers['x-amz-date'])) ?? []
    const signed = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`)
    if (Math.abs(signed - this.now()) < 300_000) return undefined
    return refusal('InvalidSignatureException', 'Signature expired: it is not within five minutes of the time here')
  }

  #usual({ operation, body }: EndpointRequest): Answer {
    const names = [body.StreamName ?? this.name, body.StreamARN ?? this.arn]
    if (names[0] !== this.name || names[1] !== this.arn) {
      return refusal('ResourceNotFoundException', `Stream ${names[0]} under account 123456789012 not found.`)
    }
    switch (operation) {
      case 'DescribeStreamSummary':
        return this.#summary()
      case 'ListShards':
        return this.#list(body)
      case 'GetShardIterator':
        return this.#iterator(body)
      case 'GetRecords':
        return this.#records(body)
      default:
        return refusal('UnknownOperationException')
    }
  }

  #summary(): Answer {
    return {
      StreamDescriptionSummary: {
        StreamName: this.name,
        StreamARN: this.arn,
        StreamStatus: 'ACTIVE',
        RetentionPeriodHours: this.retentionHours,
        StreamCreationTimestamp: this.created.getTime() / 1000,
        EnhancedMonitoring: [],
        OpenShardCount: this.#shards.filter((shard) => shard.closedAt === null).length,
        RecordDistributionStrategy: this.distribution,
      },
    }
  }

  #list(body: Body): Answer {
    if (body.NextToken !== undefined && (body.StreamName !== undefined || body.ShardFilter !== undefined)) {
      return refusal('InvalidArgumentException', 'NextToken and StreamName cannot be provided together.')
    }
    const token = JSON.parse(String(body.NextToken ?? JSON.stringify({ from: 0, filter: body.ShardFilter }))) as {
      from: number
      filter?: { Type: string; Timestamp: number }
    }
    const listed = this.#shards.filter((shard) => shard.isListed && isIn(shard, token.filter))
    const next = token.from + this.shardsPerPage
    return {
      Shards: listed.slice(token.from, next).map((shard) => ({
        ShardId: shard.id,
        ParentShardId: shard.parents[0],
        AdjacentParentShardId: shard.parents[1],
        HashKeyRange: { StartingHashKey: String(shard.range[0]), EndingHashKey: String(shard.range[1]) },
        SequenceNumberRange: {
          StartingSequenceNumber: '1',
          EndingSequenceNumber: shard.closedAt === null ? undefined : '9999',
        },
      })),
      NextToken: next < listed.length ? JSON.stringify({ ...token, from: next }) : undefined,
    }
  }

  #iterator(body: Body): Answer {
    const shard = this.#shards.find((one) => one.id === body.ShardId && one.isListed)
    if (shard === undefined) return refusal('ResourceNotFoundException', `Shard ${body.ShardId} does not exist`)
    const at = (index: number): Answer => ({
      ShardIterator: JSON.stringify({ shard: shard.id, after: String(index) }),
    })
    const oldest = BigInt(shard.records[0]?.sequence ?? this.#sequence + 1n) - 1n
    switch (body.ShardIteratorType) {
      case 'TRIM_HORIZON':
        return at(Number(oldest))
      case 'AFTER_SEQUENCE_NUMBER': {
        if (BigInt(String(body.StartingSequenceNumber)) >= oldest) return at(Number(body.StartingSequenceNumber))
        const number = `StartingSequenceNumber ${body.StartingSequenceNumber}`
        return refusal(
          'InvalidArgumentException',
          `${number} used in GetShardIterator on shard ${shard.id} is invalid.`,
        )
      }
      case 'AT_TIMESTAMP': {
        const next = shard.records.find((record) => record.arrivedAt >= Number(body.Timestamp) * 1000)
        return at(Number(next?.sequence ?? this.#sequence + 1n) - 1)
      }
      default:
        return refusal('InvalidArgumentException', `no ${body.ShardIteratorType} here`)
    }
  }

  #records(body: Body): Answer {
    const { shard: id, after } = JSON.parse(String(body.ShardIterator)) as { shard: string; after: string }
    const shard = this.#shards.find((one) => one.id === id && one.isListed)
    if (shard === undefined) return refusal('ResourceNotFoundException', `Shard ${id} does not exist`)
    const { records } = shard
    const found = records.findIndex((record) => BigInt(record.sequence) > BigInt(after))
    const first = found === -1 ? records.length : found
    const page = pageOf(records.slice(first), Number(body.Limit ?? MOST_RECORDS))
    const next = first + page.length
    const isEnd = shard.closedAt !== null && next === records.length
    return {
      Records: page.map((record) => ({
        SequenceNumber: record.sequence,
        ApproximateArrivalTimestamp: record.arrivedAt / 1000,
        Data: Buffer.from(record.data as string).toString('base64'),
        PartitionKey: this.distribution === 'AUTO' ? undefined : 'key',
      })),
      NextShardIterator: isEnd ? undefined : JSON.stringify({ shard: id, after: page.at(-1)?.sequence ?? after }),
      MillisBehindLatest: this.behindMs(id, next),
      ChildShards: isEnd
        ? this.#shards
            .filter((child) => child.parents.includes(id))
            .map((child) => ({
              ShardId: child.id,
              ParentShards: child.parents,
              HashKeyRange: { StartingHashKey: String(child.range[0]), EndingHashKey: String(child.range[1]) },
            }))
        : undefined,
    }
  }
}

function isIn({ openedAt, closedAt }: HeldShard, filter: { Type: string; Timestamp: number } | undefined): boolean {
  if (filter?.Type !== 'AT_TIMESTAMP') return true
  const at = filter.Timestamp * 1000
  return openedAt <= at && (closedAt === null || closedAt > at)
}

function pageOf(records: readonly HeldRecord[], limit: number): readonly HeldRecord[] {
  let bytes = 0
  let count = 0
  for (const { data } of records) {
    bytes += data.length
    if (count > 0 && (bytes > MOST_BYTES || count === limit)) break
    count++
  }
  return records.slice(0, count)
}

export async function startKinesisEndpoint(): Promise<KinesisEndpoint> {
  const endpoint = new KinesisEndpoint()
  await endpoint.start()
  return endpoint
}
