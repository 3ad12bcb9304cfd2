import { RelayError } from '../../errors.ts'
import { type Log, SILENT } from '../../observe/log.ts'
import { type RetryObserver, UNHEARD } from '../../retry.ts'
import { POLL_INTERVAL_MS, pollIntervalProblem } from '../shards/pace.ts'
import { readStream } from '../shards/stream-reader.ts'
import type { Source } from '../source.ts'
import { type ClientOptions, connect } from './client.ts'
import { positionsAtLatest, positionsAtTime } from './start.ts'
import { kinesisStream } from './stream.ts'

export interface KinesisSourceOptions extends ClientOptions {
  /** True to end once everything that was in the stream at the beginning is acknowledged; by default it is read for ever. */
  readonly untilLatest?: boolean
  /** What to do when records may have expired unread; by default stop, with SOURCE_GAP. */
  readonly onGap?: 'stop' | 'continue'
  /**
   * Time between two reads of a shard that is caught up; 400 ms by default, which leaves half of the five reads in a second that a
   * shard allows to another reader. From 200 ms to a minute. A shard that stays empty is read once a second.
   */
  readonly pollIntervalMs?: number
  /** Budget for the pages that are read and not yet acknowledged; 64 MiB by default. */
  readonly memoryBytes?: number
  readonly log?: Log
  /** Hears of requests that are tried again; absent: nobody does. */
  readonly observer?: RetryObserver
}

/**
 * Reads a Kinesis stream by polling (GetRecords), all shards at once, parents before their children.
 *
 * It needs DescribeStreamSummary, ListShards, GetShardIterator and GetRecords, and kms:Decrypt for an encrypted stream.
 * Positions are sequence numbers. Aggregated (KPL) records are opened; a position never stands inside one.
 *
 * @throws RelayError CONFIGURATION
 * @see https://docs.aws.amazon.com/kinesis/latest/APIReference/
 */
export function kinesisSource(options: KinesisSourceOptions): Source {
  const { untilLatest = false, onGap = 'stop', memoryBytes = 64 * 1024 * 1024 } = options
  const { pollIntervalMs = POLL_INTERVAL_MS, log = SILENT, observer = UNHEARD } = options
  const problem = pollIntervalProblem(pollIntervalMs)
  if (problem !== null) throw new RelayError('CONFIGURATION', `pollIntervalMs ${problem}`)
  const connection = connect(options)
  const { client, clock } = connection
  const stream = kinesisStream(connection, observer)
  const closed = new AbortController()
  let created: string | null = null

  return {
    positions: 'ours',

    async identify(signal) {
      const summary = await stream.describe(signal)
      created ??= summary.created
      if (summary.isShuffled) {
        const advice = 'changes of one key can arrive in any order; a mirror is not harmed, its partial images may be'
        log.warn(
          { code: 'SHUFFLED', stream: stream.name },
          `The stream spreads records without regard to their keys: ${advice}`,
        )
      }
      return { id: summary.arn, created: summary.created, retentionMs: summary.retentionMs }
    },

    async firstPositions(start, signal) {
      const context = { stream, clock, log }
      switch (start.kind) {
        case 'earliest':
          return new Map()
        case 'latest':
          return positionsAtLatest(context, signal)
        case 'time':
          return positionsAtTime(start.ms, context, signal)
      }
    },

    async shards(signal) {
      return new Map((await stream.shards(signal)).map(({ id, parents }) => [id, parents]))
    },

    async *pages(positions, signal) {
      const ending = AbortSignal.any([signal, closed.signal])
      if (ending.aborted) return
      const skipsToTime = await connection.isPlainHttp()
      yield* readStream(
        { stream, clock, log, skipsToTime, created, untilLatest, onGap, pollIntervalMs, memoryBytes },
        positions,
        ending,
      )
    },

    async close() {
      closed.abort()
      client.destroy()
    },
  }
}
