import type { TestContext } from 'node:test'
import { type KinesisSourceOptions, kinesisSource } from '../../../src/ingest/kinesis/source.ts'
import type { Source, Start } from '../../../src/ingest/source.ts'
import type { Log } from '../../../src/observe/log.ts'
import { sayRetries } from '../../../src/observe/retries.ts'
import type { Position, Positions } from '../../../src/position.ts'
import { type KinesisEndpoint, type Script, startKinesisEndpoint } from '../../support/kinesis/kinesis-endpoint.ts'

export const HOUR_MS = 3_600_000

export interface Said {
  readonly level: keyof Log
  readonly fields: object
  readonly message: string
}

/** A scripted endpoint for one test. */
export async function endpoint(t: TestContext): Promise<KinesisEndpoint> {
  const kinesis = await startKinesisEndpoint()
  t.after(() => kinesis.close())
  return kinesis
}

/** A source over it that drains, and what that says in its log. */
export function openSource(
  kinesis: KinesisEndpoint,
  options: Partial<KinesisSourceOptions>,
): Source & { said: Said[] } {
  const said: Said[] = []
  const log: Log = {
    debug() {},
    info: (fields, message) => said.push({ level: 'info', fields, message }),
    warn: (fields, message) => said.push({ level: 'warn', fields, message }),
    error: (fields, message) => said.push({ level: 'error', fields, message }),
  }
  const source = kinesisSource({
    stream: kinesis.arn,
    endpointUrl: kinesis.url,
    untilLatest: true,
    onGap: 'stop',
    memoryBytes: 64 * 1024 * 1024,
    log,
    observer: sayRetries(log),
    ...options,
  })
  return Object.assign(source, { said })
}

export function open(t: TestContext, kinesis: KinesisEndpoint, options: Partial<KinesisSourceOptions> = {}) {
  const source = openSource(kinesis, options)
  t.after(() => source.close())
  return source
}

export const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `r${from + i}`)

/** All payloads in the order in which they came. */
export async function textsOf(source: Source, positions: Positions = new Map()): Promise<string[]> {
  const texts: string[] = []
  for await (const page of source.pages(positions, new AbortController().signal)) {
    texts.push(...page.records.map(({ data }) => Buffer.from(data).toString('utf8')))
    page.ack()
  }
  return texts
}

export const firstPositions = (source: Source, start: Start): Promise<Positions> =>
  source.firstPositions!(start, new AbortController().signal)

export const after = (
  sequence: string,
  arrivedAt: number | null = null,
  caughtUpAt: number | null = null,
): Position => ({
  sequence,
  arrivedAt,
  caughtUpAt,
})

/** Answers wrongly the first `times`, then as usual. */
export function first(times: number, wrong: Script): Script {
  let asked = 0
  return (request, usual) => (asked++ < times ? wrong(request, usual) : undefined)
}

export const later = <T>(ms: number, value: T): Promise<T> => new Promise((resolve) => setTimeout(resolve, ms, value))
