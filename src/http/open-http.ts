import type { Lag } from '../observe/lag.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Log } from '../observe/log.ts'
import type { Observer } from '../observe/observer.ts'
import type { Troubles } from '../observe/troubles.ts'
import type { LettersStatus, ShardStatus } from '../operate/status.ts'
import { type HttpAddress, isLoopback } from './address.ts'
import { countsOf } from './metrics/counts.ts'
import { type BatchMeasures, Meter } from './metrics/meter.ts'
import { processSamples } from './metrics/process.ts'
import { metrics } from './metrics/registry.ts'
import { standingOf } from './metrics/standing.ts'
import { troublesOf } from './metrics/troubles-told.ts'
import { checksOf, type ReadinessLimits } from './readiness.ts'
import { json, plain, type Route, serve } from './server.ts'

export interface HttpOptions {
  readonly address: HttpAddress
  /** The name of the relay. */
  readonly relay: string
  readonly version: string
  readonly ledger: Ledger
  readonly lag: Lag
  readonly troubles: Troubles
  /** How long nothing came of work that is there. */
  readonly idleMs: () => number
  readonly limits: ReadinessLimits
  readonly log: Log
}

/** What an open relay tells. None of it waits for a batch, and none of it throws. */
export interface OpenRelay {
  readonly retentionMs: number | null
  shards(): readonly ShardStatus[]
  /** As counted last; null before that, and where they cannot be counted. */
  letters(): LettersStatus | null
  /** What `cdc-relay status` prints. */
  status(): Promise<object>
}

/** What is served of a run. */
export interface Http {
  readonly observer: Partial<Observer>
  /** The relay is open. */
  opened(relay: OpenRelay): void
  /** Twice is fine. */
  close(): Promise<void>
}

/**
 * Serves what there is to be seen of a relay: metrics, health, status. It only reads, and nothing of it holds a value of a row.
 * @throws RelayError CONFIGURATION if the address cannot be had
 */
export async function openHttp(options: HttpOptions): Promise<Http> {
  const { address, relay: name, version, ledger, lag, troubles, idleMs, limits, log } = options
  let relay: OpenRelay | null = null
  const meter = new Meter((measures: BatchMeasures) => measured.batch(measures))
  const checks = () => {
    const standing = { isOpen: meter.isOpen, troubles: troubles.now(), idleMs: idleMs(), parked: ledger.parkedTables }
    return checksOf(standing, limits, Date.now())
  }
  const told = {
    ...{ ledger, lag, meter, troubles, idleMs, checks },
    retentionMs: () => relay?.retentionMs ?? null,
    shards: () => relay?.shards() ?? [],
    letters: () => relay?.letters() ?? null,
  }
  const samples = [...countsOf(told), ...troublesOf(told), ...standingOf(told), ...processSamples()]
  const measured = metrics(samples, { constant: { relay: name }, version })

  const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
    ['/metrics', async ({ accept }) => ({ status: 200, ...(await measured.render(accept)) })],
    ['/health/live', () => plain(200, 'live')],
    [
      '/health/ready',
      ({ query }) => {
        const all = checks()
        const isReady = all.every(({ isOk }) => isOk)
        const verbose = query.has('verbose') ? { checks: all } : {}
        return json(isReady ? 200 : 503, { isReady, ...verbose })
      },
    ],
    ['/status', async () => (relay === null ? json(503, NOT_OPEN) : json(200, await relay.status()))],
  ])
  const server = await serve(address, routes)
  log.info({ code: 'SERVING', url: server.url }, `Serving ${[...routes.keys()].join(', ')} at ${server.url}`)
  if (!isLoopback(address.host)) {
    log.warn(
      { code: 'SERVING_OTHERS', host: address.host },
      'Other machines can read metrics and status of this relay: no password guards them',
    )
  }
  return {
    observer: meter,
    opened(opened) {
      relay = opened
    },
    close: () => server.close(),
  }
}

const NOT_OPEN = { error: 'The target is not open yet' }
