import type { AwsOptions } from '../aws/client-settings.ts'
import { schemeOf } from '../server-url.ts'
import type { NamedSource, SourceEntry, SourceSettings, SourceSurroundings } from './entry.ts'
import { FILE_SOURCE } from './file/entry.ts'
import { KINESIS_SOURCE } from './kinesis/entry.ts'

/** Scheme → kind of source. A new source is one line here. What has none of these schemes is a Kinesis stream. */
const SOURCES: Readonly<Record<string, SourceEntry>> = {
  kinesis: KINESIS_SOURCE,
  arn: KINESIS_SOURCE,
  file: FILE_SOURCE,
}

export const sourceEntry = (source: string): SourceEntry =>
  hasSourceScheme(source) ? SOURCES[schemeOf(source)!]! : KINESIS_SOURCE

export function hasSourceScheme(word: string): boolean {
  const scheme = schemeOf(word)
  return scheme !== null && Object.hasOwn(SOURCES, scheme)
}

/** What is wrong with a source as the operator names it; null if nothing. @param aws of the command line */
export const sourceProblem = (source: string, aws: AwsOptions): string | null =>
  sourceEntry(source).problem(source, aws)

/** Loads only what is used. @throws RelayError CONFIGURATION */
export const openSource = (settings: SourceSettings, surroundings: SourceSurroundings): Promise<NamedSource> =>
  sourceEntry(settings.source).open(settings, surroundings)

/** For `--help`. */
export const sourceUsage = (): string => [...new Set(Object.values(SOURCES).map(({ usage }) => usage))].join('; ')
