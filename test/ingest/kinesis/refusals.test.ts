import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOfPosition } from '../../../src/ingest/kinesis/refusals.ts'

/** Words that the service was seen to answer with. */
const refusals = {
  'Invalid StartingSequenceNumber. It encodes shardId-000000000003, while it was used in a call to a shard with shardId-000000000001':
    'another-stream',
  'StartingSequenceNumber 4961 used in GetShardIterator on shard shardId-000000000000 in stream orders under account 123456789012 is invalid because it did not come from this stream.':
    'another-stream',
  'SequenceNumber has reached max possible value for the shard': 'shard-end',
  'The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: 2, currentTimestampInMillis: 1':
    'unknown',
  'StartingSequenceNumber 4961 used in GetShardIterator on shard shardId-000000000000 in stream orders under account 123456789012 is invalid.':
    'expired',
  'Invalid ShardIterator.': 'unknown',
} as const

for (const [message, refusal] of Object.entries(refusals)) {
  test(`refused position: ${message.slice(0, 60)} is ${refusal}`, () =>
    assert.equal(refusalOfPosition(message), refusal))
}
