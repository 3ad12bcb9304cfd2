import { maskTexts } from '../mask.ts'
import type { Lag } from '../observe/lag.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Log } from '../observe/log.ts'
import { type Observer, observers } from '../observe/observer.ts'
import type { Troubles } from '../observe/troubles.ts'
import type { LettersStatus, ShardStatus, Status } from '../operate/status.ts'
import { type HttpAddress, isLoopback } from './address.ts'
import { countsOf } from './metrics/counts.ts'
import { type BatchMeasures, Meter } from './metrics/meter.ts'
import { processSamples } from './metrics/process.ts'
import { metrics } from './metrics/registry.ts'
import { standingOf } from './metrics/standing.ts'
import { troublesOf } from './metrics/troubles-told.ts'
import { pageFiles } from './page-files.ts'
import { checksOf, type ReadinessLimits } from './readiness.ts'
import { json, plain, type Route, serve } from './server.ts'
import { Events } from './watch/events.ts'
import { History, POINT_EVERY_MS } from './watch/history.ts'
import { LastLetters } from './watch/last-letters.ts'
import { LastWarnings } from './watch/last-warnings.ts'
import { pageState } from './watch/page-state.ts'

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
  /** Option → value, for people. */
  readonly settings: Readonly<Record<string, string>>
  /** Hides passwords in a text. */
  readonly mask: (text: string) => string
  readonly log: Log
}

/** What an open relay tells. None of it waits for a batch, and none of it throws. */
export interface OpenRelay {
  readonly retentionMs: number | null
  shards(): readonly ShardStatus[]
  /** The dead letters that are kept, as counted last; null before that, and where they cannot be counted. */
  letters(): LettersStatus | null
  /** What `cdc-relay status` prints. */
  status(): Promise<Status>
  /** The same with what was known last of what the target must be asked for; null before that. */
  overview(): Status | null
  /** Shard → those that it came from, as known last; null before that, and where shards come from nowhere. */
  lineage(): ReadonlyMap<string, readonly string[]> | null
}

/** What is served of a run. */
export interface Http {
  readonly observer: Partial<Observer>
  /** That of the options, whose warnings are shown, too. */
  readonly log: Log
  /** The relay is open. */
  opened(relay: OpenRelay): void
  /** Twice is fine. */
  close(): Promise<void>
}

/**
 * Serves what there is to be seen of a relay: a page, metrics, health, status. It only reads, and nothing of it holds a value of a row.
 * @throws RelayError CONFIGURATION if the address cannot be had
 */
export async function openHttp(options: HttpOptions): Promise<Http> {
  const { address, relay: name, version, ledger, lag, troubles, idleMs, limits, settings, mask } = options
  let relay: OpenRelay | null = null
  const history = new History(ledger, lag)
  const lastLetters = new LastLetters()
  const lastWarnings = new LastWarnings()
  const log = lastWarnings.of(options.log)
  const meter = new Meter((measures: BatchMeasures) => {
    measured.batch(measures)
    history.batch(measures)
  })
  const checks = () => {
    const standing = { isOpen: meter.isOpen, troubles: troubles.now(), idleMs: idleMs(), parked: ledger.parkedTables }
    return checksOf(standing, limits, Date.now())
  }
  const told = {
    ...{ relay: name, version, settings, ledger, lag, meter, troubles, lastLetters, lastWarnings, idleMs, checks },
    retentionMs: () => relay?.retentionMs ?? null,
    shards: () => relay?.shards() ?? [],
    letters: () => relay?.letters() ?? null,
    overview: () => relay?.overview() ?? null,
    lineage: () => relay?.lineage() ?? null,
  }
  const samples = [...countsOf(told), ...troublesOf(told), ...standingOf(told), ...processSamples()]
  const measured = metrics(samples, { constant: { relay: name }, version })
  const events = new Events({
    first: () => ({ pointEveryMs: POINT_EVERY_MS, points: history.points }),
    state: () => maskTexts(pageState(told, Date.now()), mask),
  })

  const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
    ...pageFiles(),
    ['/events', () => ({ type: 'text/event-stream', begin: (response) => events.join(response) })],
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
    ['/status', async () => (relay === null ? json(503, NOT_OPEN) : json(200, maskTexts(await relay.status(), mask)))],
  ])
  const server = await serve(address, routes)
  log.info(
    { code: 'SERVING', url: server.url },
    `A page, /metrics, /health/live, /health/ready and /status are at ${server.url}`,
  )
  if (!isLoopback(address.host)) {
    log.warn(
      { code: 'SERVING_OTHERS', host: address.host },
      'Other machines can read metrics and status of this relay: no password guards them',
    )
  }
  history.tick(Date.now())
  const ticking = setInterval(() => {
    history.tick(Date.now())
    const point = history.points.at(-1)
    if (point !== undefined) events.point(point)
  }, POINT_EVERY_MS)
  return {
    observer: observers(meter, lastLetters),
    log,
    opened(opened) {
      relay = opened
    },
    close() {
      clearInterval(ticking)
      events.close()
      return server.close()
    },
  }
}

const NOT_OPEN = { error: 'The target is not open yet' }
