import { RelayError } from '../errors.ts'
import { maskTexts } from '../mask.ts'
import type { Log } from '../observe/log.ts'
import { type HttpAddress, isLoopback } from './address.ts'
import { metrics } from './metrics/registry.ts'
import { pageFiles } from './page-files.ts'
import type { RelayWatch } from './relay-watch.ts'
import { json, type OnFailure, plain, type Route, serve } from './server.ts'
import { Events } from './watch/events.ts'
import { History, POINT_EVERY_MS } from './watch/history.ts'
import { pageState } from './watch/page-state.ts'

export interface Http {
  /** Twice is fine. */
  close(): Promise<void>
}

/**
 * Serves what there is to be seen of a relay: a page, metrics, health, status. It only reads, and nothing of it holds a value of a row.
 *
 * @param mask hides passwords in a text
 * @throws RelayError CONFIGURATION if the address cannot be had
 */
export async function openHttp(watch: RelayWatch, address: HttpAddress, mask: (text: string) => string): Promise<Http> {
  const { told, samples, log } = watch
  const history = new History(told.ledger, told.lag)
  const measured = metrics(samples, { constant: { relay: told.relay }, version: told.version })
  watch.onBatch((measures) => {
    measured.batch(measures)
    history.batch(measures)
  })
  const onFailure = sayingOnce(log)
  const sent = {
    first: () => ({ pointEveryMs: POINT_EVERY_MS, points: history.points }),
    state: () => maskTexts(pageState(told, Date.now()), mask),
  }
  const events = new Events(sent, (error) => onFailure('/events', error))

  const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
    ...pageFiles(),
    ['/events', () => ({ type: 'text/event-stream', begin: (response) => events.join(response) })],
    ['/metrics', async ({ accept }) => ({ status: 200, ...(await measured.render(accept)) })],
    ['/health/live', () => plain(200, 'live')],
    [
      '/health/ready',
      ({ query }) => {
        const all = told.checks()
        const isReady = all.every(({ isOk }) => isOk)
        const verbose = query.has('verbose') ? { checks: all } : {}
        return json(isReady ? 200 : 503, { isReady, ...verbose })
      },
    ],
    [
      '/status',
      async () => {
        const status = await watch.status()
        return status === null ? json(503, NOT_OPEN) : json(200, maskTexts(status, mask))
      },
    ],
  ])
  const server = await serve(address, routes, onFailure)
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
    close() {
      clearInterval(ticking)
      events.close()
      return server.close()
    },
  }
}

/** Says what could not be told, each once: somebody may ask every second. Words of an error that nobody foresaw stay out, for they may quote. */
function sayingOnce(log: Log): OnFailure {
  const said = new Set<string>()
  return (path, error) => {
    const [what, detail] =
      error instanceof RelayError ? [error.code, error.detail] : [error instanceof Error ? error.name : 'unknown', null]
    const name = `${path} ${what}`
    if (said.has(name)) return
    said.add(name)
    const fields = { path, of: what, ...(detail !== null && { detail }) }
    log.warn({ code: 'NOT_TOLD', ...fields }, 'What was asked for over HTTP could not be told; the relay goes on')
  }
}

const NOT_OPEN = { error: 'The target is not open yet' }
