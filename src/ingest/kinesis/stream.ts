import {
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  type GetRecordsOutput,
  GetShardIteratorCommand,
  type GetShardIteratorInput,
  ListShardsCommand,
  type ListShardsInput,
  type ListShardsOutput,
} from '@aws-sdk/client-kinesis'
import { signInFailure } from '../../aws/sign-in-failure.ts'
import type { RawRecord } from '../../change.ts'
import { type ErrorContext, RelayError } from '../../errors.ts'
import type { ReadFrom } from '../../position.ts'
import { type RetryObserver, retrying } from '../../retry.ts'
import type { Shard } from '../shards/lineage.ts'
import { type Refusal, Refused, type Stream } from '../shards/stream.ts'
import { opened } from './aggregated.ts'
import type { Connection } from './client.ts'
import { failureOf } from './failures.ts'
import { answerAsBytes } from './records-as-bytes.ts'
import { refusalOfIterator, refusalOfRead } from './refusals.ts'

export function kinesisStream(
  { client, clock, pool, stream, options, whereabouts }: Connection,
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
        refusable(client.send(command, { abortSignal: signal }), ({ name }) =>
          name === 'ExpiredNextTokenException' ? 'iterator-expired' : null,
        ),
      )
      if (page instanceof Refused) throw new RelayError('SOURCE_UNREACHABLE', 'The ListShards token expired')
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
    open: opened,

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
        refusable(client.send(command, { abortSignal: signal }), refusalOfIterator),
      )
      return answer instanceof Refused ? answer : answer.ShardIterator!
    },

    async records(shard, iterator, limit, signal) {
      const command = new GetRecordsCommand({ ShardIterator: iterator, Limit: limit, ...arn })
      let sent = 0
      const answer = await ask('read records', { shard }, signal, () => {
        sent = clock.reading()
        return refusable(client.send(command, { abortSignal: signal }), refusalOfRead)
      })
      if (answer instanceof Refused) return answer
      const asBytes = answerAsBytes(answer)
      if (asBytes !== null) {
        const { next, behindMs, buffer } = asBytes
        const release = (): void => pool.giveBack(buffer)
        return { records: asBytes.page(shard).records(), next, namesChildren: false, behindMs, sent, release }
      }
      return {
        records: (answer.Records ?? []).map((record) => recordOf(shard, record)),
        next: answer.NextShardIterator ?? null,
        namesChildren: (answer.ChildShards?.length ?? 0) > 0,
        behindMs: answer.MillisBehindLatest ?? 0,
        sent,
      }
    },
  }
}

/** The answer; or, for an error that has a reason that a caller can answer for, the refusal. */
async function refusable<Answer>(
  answer: Promise<Answer>,
  reasonOf: (error: Error) => Refusal | null,
): Promise<Answer | Refused> {
  try {
    return await answer
  } catch (error) {
    const reason = error instanceof Error ? reasonOf(error) : null
    if (reason !== null) return new Refused(reason, error as Error)
    throw error
  }
}

const recordOf = (shard: string, record: NonNullable<GetRecordsOutput['Records']>[number]): RawRecord => ({
  shard,
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
