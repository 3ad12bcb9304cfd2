import { type AwsAddress, awsAddress, awsAddressProblems, awsOptionsFor, commonSettings } from '../../aws/address.ts'
import type { SourceEntry } from '../entry.ts'
import { streamNameOf, streamProblem } from './stream-name.ts'

/** A Kinesis stream by name or ARN; `kinesis:` may stand in front, and parameters behind. */
export const KINESIS_SOURCE: SourceEntry = {
  usage: 'stream name or ARN (with AWS settings of its own: NAME?region=…&profile=…&role-arn=…&endpoint-url=…)',
  isStream: true,
  commonAws: (source) => commonSettings(addressOf(source)),
  nameOf: (source) => streamNameOf(addressOf(source).name).name,
  problem(source, aws) {
    const address = addressOf(source)
    const ofName = streamProblem(address.name, awsOptionsFor(address, aws).region)
    return ofName ?? (awsAddressProblems(address).join('; ') || null)
  },
  async open({ source, untilLatest, onGap, pollInterval, memory }, { aws, log, observer }) {
    const { kinesisSource } = await import('./source.ts')
    const address = addressOf(source)
    const own = awsOptionsFor(address, aws)
    const kinesis = kinesisSource({
      ...own,
      stream: address.name,
      untilLatest,
      onGap,
      pollIntervalMs: pollInterval,
      memoryBytes: memory,
      log,
      observer,
    })
    return Object.assign(kinesis, { streamName: KINESIS_SOURCE.nameOf(source), keepsState: true })
  },
}

const addressOf = (source: string): AwsAddress => awsAddress(source.replace(/^kinesis:/i, ''))
