import type { AwsSetting } from '../aws/address.ts'
import type { AwsOptions } from '../aws/client-settings.ts'
import type { Log } from '../observe/log.ts'
import type { RetryObserver } from '../retry.ts'
import type { Source } from './source.ts'

/** What the operator says about a source. */
export interface SourceSettings {
  /** As the operator names it. */
  readonly source: string
  readonly untilLatest: boolean
  readonly onGap: 'stop' | 'continue'
  /** Time between two reads of a caught-up shard, milliseconds. */
  readonly pollInterval: number
  /** Bytes that may be read ahead, all shards together. */
  readonly memory: number
}

export interface SourceSurroundings {
  /** How AWS is reached, unless the source says it of itself. */
  readonly aws: AwsOptions
  readonly log: Log
  readonly observer: RetryObserver
}

export interface NamedSource extends Source {
  /** `SourceEntry.nameOf`. */
  readonly streamName: string
  /** False for standard input, which cannot be read again from a position. */
  readonly keepsState: boolean
}

/** A kind of source: a line in the table of by-url.ts. Light to load: `open` imports what it needs. */
export interface SourceEntry {
  /** How it is named, for `--help`. */
  readonly usage: string
  /** False for a file: it has an end, and nothing in it expires. */
  readonly isStream: boolean
  /** The AWS settings that it takes from the options, for its address does not say them. */
  commonAws(source: string): readonly AwsSetting[]
  /** What change records call the stream, and the default name of the relay. @param source one that `problem` finds nothing wrong with */
  nameOf(source: string): string
  /** What is wrong with a source as the operator names it; null if nothing. */
  problem(source: string, aws: AwsOptions): string | null
  /** @param settings of a source that `problem` finds nothing wrong with. @throws RelayError CONFIGURATION */
  open(settings: SourceSettings, surroundings: SourceSurroundings): Promise<NamedSource>
}
