import { hostname } from 'node:os'
import { Kept } from '../http/kept.ts'
import type { OpenRelay } from '../http/relay-watch.ts'
import type { Source } from '../ingest/source.ts'
import { type LettersStatus, type Status, shardsOf, statusOf } from '../operate/status.ts'
import type { StreamIdentity } from '../position.ts'
import type { Relay } from '../relay.ts'
import type { Sink } from '../sinks/sink.ts'
import type { Seen } from '../state/seen.ts'
import { lettersOf } from './letters-status.ts'
import { stateUrlOf } from './open-named-state.ts'
import { relayOptions } from './relay-options.ts'
import type { RunConfig } from './run-schema.ts'

/** So often the target is asked by itself what lies in it, and the stream for its shards, while somebody looks. */
const LOOK_EVERY_MS = 30_000
/** A target that takes longer is busy, or away. */
const MOST_WAIT_MS = 2_000

export interface RunningRelay {
  readonly config: RunConfig
  readonly name: string
  readonly stream: StreamIdentity
  readonly source: Pick<Source, 'shards'>
  readonly sink: Pick<Sink, 'look'>
  readonly relay: Pick<Relay, 'stored'>
  /** Ends what is asked of the stream. */
  readonly stopping: AbortSignal
}

interface Looked {
  readonly seen: Seen | null
  readonly letters: LettersStatus
}

/** What an open relay tells of itself: where it stands from its own memory, all else as it is stored. Passwords are not masked yet. */
export function runningStatus({ config, name, stream, source, sink, relay, stopping }: RunningRelay): OpenRelay {
  const named = { ...config, name }
  const since = new Date().toISOString()
  const looked = new Kept<Looked>(async () => {
    const seen = (await sink.look?.()) ?? null
    return { seen, letters: await lettersOf(named, seen) }
  })
  const lineage = new Kept(async () => (await source.shards?.(stopping)) ?? null)

  /** As if it were stored, where nothing is, or the target does not answer. */
  const ownSeen = (): Seen => ({
    relay: { name, stream, start: config.start?.text ?? null, settings: relayOptions(config).settings },
    holder: { host: hostname(), process: process.pid, since, isAlive: true, heardOf: null },
    stored: relay.stored,
  })

  function statusWith(found: Looked | null): Status {
    const seen = { ...(found?.seen ?? ownSeen()), stored: relay.stored }
    const deadLetters = found?.letters ?? { keptIn: null, count: null, kinds: [] }
    const told = statusOf(seen, { state: stateUrlOf(named), now: Date.now(), stream, deadLetters })
    const notKnown = found === null ? ['Tables and dead letters: the target does not answer'] : told.notKnown
    return { ...told, notKnown }
  }

  return {
    retentionMs: stream.retentionMs,
    shards: () => shardsOf(relay.stored.positions, Date.now()),
    letters: () => looked.known(LOOK_EVERY_MS)?.letters ?? null,
    status: async () => statusWith(await looked.fresh(MOST_WAIT_MS)),
    overview() {
      const found = looked.known(LOOK_EVERY_MS)
      return found === null ? null : statusWith(found)
    },
    lineage: () => lineage.known(LOOK_EVERY_MS),
  }
}
