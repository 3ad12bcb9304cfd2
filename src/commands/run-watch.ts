import type { Env } from '../env.ts'
import type { OpenRelay } from '../http/relay-watch.ts'
import type { Lag } from '../observe/lag.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Log } from '../observe/log.ts'
import type { Observer } from '../observe/observer.ts'
import type { Troubles } from '../observe/troubles.ts'
import { ownVersion } from '../version.ts'
import type { RunConfig } from './run-schema.ts'
import { settingsText } from './settings-text.ts'
import type { StallWatch } from './stall-watch.ts'

/** What is told of a run. */
interface Watched {
  /** Of the relay. */
  readonly name: string
  readonly ledger: Ledger
  readonly lag: Lag
  readonly troubles: Troubles
  readonly stall: StallWatch
  /** After so long a stall ends the process. */
  readonly stallTimeoutMs: number
  readonly log: Log
  /** Hides passwords in a text. */
  readonly mask: (text: string) => string
  readonly env: Env
}

/** What tells of a run: over HTTP, by OpenTelemetry, or both. */
export interface RunWatch {
  readonly observer: Partial<Observer>
  /** To be used instead of the one that was given. */
  readonly log: Log
  /** The relay is open. */
  opened(relay: OpenRelay): void
  close(): Promise<void>
}

/**
 * Tells what `--http` and the variables of OpenTelemetry ask for; null if they ask for nothing: then nothing is loaded for it.
 * @throws RelayError CONFIGURATION if the address cannot be had
 */
export async function watchOf(config: RunConfig, watched: Watched): Promise<RunWatch | null> {
  const { http: address, parkLimit } = config
  const { name, ledger, lag, troubles, stall, stallTimeoutMs, log, mask, env } = watched
  if (address === undefined && !wantsOtel(env)) return null
  const { relayWatch } = await import('../http/relay-watch.ts')
  const watch = relayWatch({
    ...{ relay: name, version: ownVersion(), ledger, lag, troubles, log },
    settings: settingsText(config),
    idleMs: () => stall.idleMs(),
    // What would end the relay is told when half of it is reached.
    limits: { stalledAfterMs: stallTimeoutMs / 2, mostParked: parkLimit.count / 2 },
  })
  const http =
    address === undefined ? null : await (await import('../http/open-http.ts')).openHttp(watch, address, mask)
  const otel = wantsOtel(env)
    ? await (await import('../otel/open-otel.ts')).openOtel(watch, env.OTEL_LOG_LEVEL === undefined)
    : null
  return {
    ...watch,
    async close() {
      await otel?.close()
      await http?.close()
    },
  }
}

/** Those of the standard variables that say where to, or what by. */
const OTEL = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_TRACES_EXPORTER',
  'OTEL_METRICS_EXPORTER',
]

const wantsOtel = (env: Env): boolean =>
  env.OTEL_SDK_DISABLED?.toLowerCase() !== 'true' && OTEL.some((name) => (env[name] ?? '') !== '')
