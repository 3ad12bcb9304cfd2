import {
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type GetShardIteratorInput,
  type GetRecordsOutput,
  ListShardsCommand,
  type ListShardsInput,
  type ListShardsOutput,
} from '@aws-sdk/client-kinesis'
import { signInFailure } from '../../aws/sign-in-failure.ts'
import { type ErrorContext, RelayError } from '../../errors.ts'
import type { ReadFrom } from '../../position.ts'
import { type RetryObserver, retrying } from '../../retry.ts'
import type { Connection } from './client.ts'
import { failureOf } from './failures.ts'
import type { Shard } from './lineage.ts'

/** What DescribeStreamSummary tells that matters here. */
export interface Summary {
  readonly arn: string
  /** ISO. */
  readonly created: string
  readonly retentionMs: number
  /** True if the service spreads records over shards without regard to their partition key: then no key has an order. */
  readonly isShuffled: boolean
}

/** A record as the stream holds it; one that a producer aggregated is not opened yet. */
export interface StreamRecord {
  readonly sequence: string
  /** Epoch ms; null where the service does not say. */
  readonly arrivedAt: number | null
  readonly data: Uint8Array
}

export interface Records {
  readonly records: readonly StreamRecord[]
  /** Null at the end of a closed shard. */
  readonly next: string | null
  /** True if the answer names the shards that come after this one; an emulator may end a shard without. */
  readonly namesChildren: boolean
  readonly behindMs: number
  /** When it was asked for, a reading of the clock: what was there then is in the answer or behind it. */
  readonly sent: number
}

/** An answer that is an error for the SDK, and for us a turn of the way. */
export class Refused {
  /** The error's name. */
  readonly name: string
  readonly cause: Error

  constructor(cause: Error) {
    this.name = cause.name
    this.cause = cause
  }
}

/**
 * The four requests of a reader. Each is repeated until it is answered; only what repeating does not cure is thrown,
 * and what a caller can answer for comes back as `Refused`.
 */
export interface Stream {
  readonly name: string
  /** The most that one read may be asked for, and the most that it gives. */
  readonly mostRecords: number
  readonly mostBytes: number
  /** @throws RelayError SOURCE_NOT_FOUND, SOURCE_DENIED */
  describe(signal: AbortSignal): Promise<Summary>
  /** All pages of the listing; with `at`, of the shards that were open at that time (emulators may list more). */
  shards(signal: AbortSignal, at?: number): Promise<Shard[]>
  /** Refused: InvalidArgumentException (the position), ResourceNotFoundException (the shard, or the stream). */
  iterator(shard: string, place: Exclude<ReadFrom, { kind: 'end' }>, signal: AbortSignal): Promise<string | Refused>
  /** At most `limit` of them. Refused: the same two, and ExpiredIteratorException. */
  records(shard: string, iterator: string, limit: number, signal: AbortSignal): Promise<Records | Refused>
}

export function kinesisStream(
  { client, clock, stream, options, whereabouts }: Connection,
  observer: RetryObserver,
): Stream {
  const arn = stream.arn === null ? {} : { StreamARN: stream.arn }
  // Both where both are known: AWS allows it, and emulators understand the one or the other.
  const named = { StreamName: stream.name, ...arn }
  const allowed = new Set<string>()

  /** A stream that is not there is so in one account and region, of which the service names the account; and a region that is not there has no host. */
  const located = async (failure: RelayError): Promise<RelayError> => {
    if (failure.detail.startsWith('ENOTFOUND')) return failure.at({ region: (await whereabouts()).region! })
    if (failure.code !== 'SOURCE_NOT_FOUND') return failure
    const account = /under account (\d{12})/.exec(failure.detail)?.[1]
    return failure.at({ ...(await whereabouts()), ...(account === undefined ? {} : { account }) })
  }

  /** Sends what `request` makes until it is answered. */
  const ask = <Answer>(
    what: string,
    place: ErrorContext,
    signal: AbortSignal,
    request: () => Promise<Answer>,
  ): Promise<Answer> => {
    const attempt = async (): Promise<Answer> => {
      try {
        const answer = await request()
        allowed.add(what)
        return answer
      } catch (error) {
        signal.throwIfAborted()
        const where = { stream: stream.name, ...place }
        throw await located(failureOf(await signInFailure(error, options, where), where))
      }
    }
    return retrying(attempt, { signal, observer, what, hasWorked: () => allowed.has(what) })
  }

  const everyPage = async (first: ListShardsInput, signal: AbortSignal): Promise<Shard[]> => {
    const shards: Shard[] = []
    for (let input: ListShardsInput | null = first; input !== null; ) {
      const command: ListShardsCommand = new ListShardsCommand(input)
      const page: ListShardsOutput | Refused = await ask('list the shards', {}, signal, () =>
        refusable(client.send(command, { abortSignal: signal }), 'ExpiredNextTokenException'),
      )
      if (page instanceof Refused) throw new RelayError('SOURCE_UNREACHABLE', 'The listing outlived its token')
      shards.push(...(page.Shards ?? []).map(shardOf))
      // A token stands for all of the request but the ARN: name and filter beside it are refused.
      input = page.NextToken === undefined ? null : { NextToken: page.NextToken, ...arn }
    }
    return shards
  }

  return {
    name: stream.name,
    // GetRecords, API reference: `Limit`, and the size of an answer.
    mostRecords: 10_000,
    mostBytes: 10 * 1024 * 1024,

    async describe(signal) {
      const { StreamDescriptionSummary: summary } = await ask('describe the stream', {}, signal, () =>
        client.send(new DescribeStreamSummaryCommand(named), { abortSignal: signal }),
      )
      return {
        arn: summary?.StreamARN ?? stream.arn ?? stream.name,
        created: summary?.StreamCreationTimestamp?.toISOString() ?? 'unknown',
        retentionMs: (summary?.RetentionPeriodHours ?? 24) * 3_600_000,
        isShuffled: summary?.RecordDistributionStrategy === 'AUTO',
      }
    },

    shards(signal, at) {
      const filter = at === undefined ? {} : { ShardFilter: { Type: 'AT_TIMESTAMP' as const, Timestamp: new Date(at) } }
      return ask('list all shards', {}, signal, () => everyPage({ ...named, ...filter }, signal))
    },

    async iterator(shard, place, signal) {
      const command = new GetShardIteratorCommand({ ...named, ShardId: shard, ...iteratorAt(place) })
      const answer = await ask('position a reader', { shard }, signal, () =>
        refusable(
          client.send(command, { abortSignal: signal }),
          'InvalidArgumentException',
          'ResourceNotFoundException',
        ),
      )
      return answer instanceof Refused ? answer : answer.ShardIterator!
    },

    async records(shard, iterator, limit, signal) {
      const command = new GetRecordsCommand({ ShardIterator: iterator, Limit: limit, ...arn })
      let sent = 0
      const answer = await ask('read records', { shard }, signal, () => {
        sent = clock.reading()
        return refusable(
          client.send(command, { abortSignal: signal }),
          'ExpiredIteratorException',
          'InvalidArgumentException',
          'ResourceNotFoundException',
        )
      })
      if (answer instanceof Refused) return answer
      return {
        records: (answer.Records ?? []).map(recordOf),
        next: answer.NextShardIterator ?? null,
        namesChildren: (answer.ChildShards?.length ?? 0) > 0,
        behindMs: answer.MillisBehindLatest ?? 0,
        sent,
      }
    },
  }
}

/** The answer; or, for an error with one of these names, the refusal. */
async function refusable<Answer>(answer: Promise<Answer>, ...names: readonly string[]): Promise<Answer | Refused> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Error && names.includes(error.name)) return new Refused(error)
    throw error
  }
}

const recordOf = (record: NonNullable<GetRecordsOutput['Records']>[number]): StreamRecord => ({
  sequence: record.SequenceNumber!,
  arrivedAt: record.ApproximateArrivalTimestamp?.getTime() ?? null,
  data: record.Data!,
})

function shardOf(shard: NonNullable<ListShardsOutput['Shards']>[number]): Shard {
  return {
    id: shard.ShardId!,
    parents: [shard.ParentShardId, shard.AdjacentParentShardId].filter((parent) => parent !== undefined),
    isOpen: shard.SequenceNumberRange?.EndingSequenceNumber === undefined,
  }
}

function iteratorAt(
  place: Exclude<ReadFrom, { kind: 'end' }>,
): Pick<GetShardIteratorInput, 'ShardIteratorType' | 'StartingSequenceNumber' | 'Timestamp'> {
  switch (place.kind) {
    case 'start':
      return { ShardIteratorType: 'TRIM_HORIZON' }
    case 'after':
      return { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: place.sequence }
    case 'time':
      return { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(place.ms) }
  }
}
