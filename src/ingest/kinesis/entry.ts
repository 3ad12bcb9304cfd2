import type { SourceEntry } from '../entry.ts'
import { streamNameOf, streamProblem } from './stream-name.ts'

/** A Kinesis stream by name or ARN; `kinesis:` may stand in front. */
export const KINESIS_SOURCE: SourceEntry = {
  usage: 'stream name or ARN',
  isStream: true,
  asksAws: true,
  problem: (source, { region }) => streamProblem(nameOf(source), region),
  async open({ source, untilLatest, onGap, memory }, { aws, log, observer }) {
    const { kinesisSource } = await import('./source.ts')
    const stream = nameOf(source)
    const kinesis = kinesisSource({ ...aws, stream, untilLatest, onGap, memoryBytes: memory, log, observer })
    return Object.assign(kinesis, { streamName: streamNameOf(stream).name, keepsState: true })
  },
}

const nameOf = (source: string): string => source.replace(/^kinesis:/, '')
