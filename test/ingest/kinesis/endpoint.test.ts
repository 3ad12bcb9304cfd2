import { startKinesisEndpoint } from '../../support/kinesis/kinesis-endpoint.ts'
import { describeSource } from '../conformance.ts'
import { openSource } from './scripted.ts'

describeSource(
  'scripted endpoint',
  async ({ shards, memoryBytes = 64 * 1024 * 1024 }) => {
    const kinesis = await startKinesisEndpoint()
    const ids = kinesis.open(shards.length)
    for (const [i, texts] of shards.entries()) kinesis.put(ids[i]!, texts)
    const options = { untilLatest: true, onGap: 'stop', memoryBytes } as const
    return {
      source: openSource(kinesis, options),
      reopen: async () => openSource(kinesis, options),
      close: () => kinesis.close(),
    }
  },
  { shards: 3 },
)
