import type { Refusal } from '../shards/stream.ts'

/** Why GetShardIterator refused a position; null for what is no refusal of it. */
export function refusalOfIterator({ name, message }: Error): Refusal | null {
  if (name === 'ResourceNotFoundException') return 'not-found'
  return name === 'InvalidArgumentException' ? refusalOfPosition(message) : null
}

/** Why GetRecords refused an iterator; null for what is no refusal of it. */
export function refusalOfRead({ name }: Error): Refusal | null {
  switch (name) {
    case 'ExpiredIteratorException':
      return 'iterator-expired'
    case 'ResourceNotFoundException':
      return 'not-found'
    case 'InvalidArgumentException':
      return 'unknown'
    default:
      return null
  }
}

/**
 * Why a position is an invalid argument. Only the words of the service tell:
 * - `It encodes shardId-X, while it was used in a call to …`, `… because it did not come from this stream.`
 * - `SequenceNumber has reached max possible value for the shard`: after the last number of a closed shard
 * - anything else about `StartingSequenceNumber`: older than the retention, or no sequence number at all
 * - `The timestampInMillis parameter cannot be greater than the currentTimestampInMillis`, and what else there may be: unknown
 */
export function refusalOfPosition(message: string): Refusal {
  if (/It encodes shardId-|did not come from this stream/.test(message)) return 'another-stream'
  if (/reached max possible value/.test(message)) return 'shard-end'
  if (/StartingSequenceNumber/.test(message)) return 'expired'
  return 'unknown'
}
