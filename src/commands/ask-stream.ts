import { RelayError } from '../errors.ts'
import { openSource, sourceEntry } from '../ingest/by-url.ts'
import { POLL_INTERVAL_MS } from '../ingest/shards/pace.ts'
import type { Source } from '../ingest/source.ts'
import { SILENT } from '../observe/log.ts'
import type { StreamIdentity } from '../position.ts'
import { UNHEARD } from '../retry.ts'
import { awsSettings } from './aws-settings.ts'
import type { NamedRelay } from './named-relay.ts'

/** A stream that does not answer must not keep a command for ever. */
const ANSWER_MS = 5_000

/** Asks the stream that `--source` names. Resolves to a text that says why, where it cannot be asked. */
export async function askStream<T>(
  relay: NamedRelay,
  ask: (stream: Source, identity: StreamIdentity, signal: AbortSignal) => Promise<T>,
): Promise<T | string> {
  const { source } = relay
  if (source === undefined) return 'name the stream with --source, and it is asked'
  if (!sourceEntry(source).isStream) return 'it is a file'
  try {
    const settings = { source, untilLatest: false, onGap: 'stop', pollInterval: POLL_INTERVAL_MS, memory: 1 } as const
    const surroundings = { aws: awsSettings(relay, process.env), log: SILENT, observer: UNHEARD }
    const stream = await openSource(settings, surroundings)
    const signal = AbortSignal.timeout(ANSWER_MS)
    return await stream
      .identify(signal)
      .then((identity) => ask(stream, identity, signal))
      .finally(() => stream.close())
  } catch (error) {
    if (error instanceof RelayError) return `the stream cannot be asked. ${error.message.replace(/\.$/, '')}`
    if (error instanceof Error && ['TimeoutError', 'AbortError'].includes(error.name))
      return 'the stream did not answer'
    throw error
  }
}
