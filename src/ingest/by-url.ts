import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { Log } from '../observe/log.ts'
import type { Env } from '../env.ts'
import type { RetryObserver } from '../retry.ts'
import { pathProblem } from '../server-url.ts'
import { streamProblem } from './kinesis/stream-name.ts'
import type { Source } from './source.ts'

export interface SourceOptions {
  readonly source: string
  readonly 'until-latest': boolean
  readonly 'on-gap': 'stop' | 'continue'
  readonly memory: number
  readonly region?: string | undefined
  readonly profile?: string | undefined
  readonly 'role-arn'?: string | undefined
  readonly 'external-id'?: string | undefined
  readonly 'endpoint-url'?: string | undefined
  readonly env: Env
}

export interface NamedSource extends Source {
  /** What change records call the stream, and the default name of the relay. */
  readonly streamName: string
  /** False for standard input, which cannot be read again from a position. */
  readonly keepsState: boolean
}

/** What is wrong with a source as the operator names it; null if nothing. @param region of the command line */
export function sourceProblem(source: string, region: unknown): string | null {
  if (source === 'file:') return 'names no file: file:PATH, or file:- for standard input'
  if (source.startsWith('file:')) return existsSync(source.slice('file:'.length)) ? null : pathProblem(source)
  return streamProblem(nameOf(source), region)
}

/** `file:PATH`, `file:-`, or a Kinesis stream by name or ARN (`kinesis:` may stand in front). Loads only what is used. */
export async function openSource(options: SourceOptions, log: Log, observer: RetryObserver): Promise<NamedSource> {
  const { source } = options
  if (source.startsWith('file:')) {
    const { fileSource } = await import('./file/source.ts')
    const path = source.slice('file:'.length)
    const streamName = path === '-' ? 'stdin' : basename(path)
    return Object.assign(fileSource({ path, memoryBytes: options.memory, log }), {
      streamName,
      keepsState: path !== '-',
    })
  }
  const { kinesisSource } = await import('./kinesis/source.ts')
  const stream = nameOf(source)
  const kinesis = kinesisSource({
    stream,
    region: options.region,
    profile: options.profile,
    roleArn: options['role-arn'],
    externalId: options['external-id'],
    endpointUrl: options['endpoint-url'],
    env: options.env,
    untilLatest: options['until-latest'],
    onGap: options['on-gap'],
    memoryBytes: options.memory,
    log,
    observer,
  })
  const streamName = stream.startsWith('arn:') ? stream.slice(stream.lastIndexOf('/') + 1) : stream
  return Object.assign(kinesis, { streamName, keepsState: true })
}

const nameOf = (source: string): string => source.replace(/^kinesis:/, '')
