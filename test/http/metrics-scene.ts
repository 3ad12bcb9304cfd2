import { countsOf } from '../../src/http/metrics/counts.ts'
import { Meter } from '../../src/http/metrics/meter.ts'
import { processSamples } from '../../src/http/metrics/process.ts'
import { metrics } from '../../src/http/metrics/registry.ts'
import { standingOf } from '../../src/http/metrics/standing.ts'
import type { Told } from '../../src/http/metrics/told.ts'
import { troublesOf } from '../../src/http/metrics/troubles-told.ts'
import { checksOf } from '../../src/http/readiness.ts'
import { Lag } from '../../src/observe/lag.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { observers } from '../../src/observe/observer.ts'
import { Troubles } from '../../src/observe/troubles.ts'
import type { ShardStatus } from '../../src/operate/status.ts'
import { type Family, readMetrics } from '../support/prometheus-text.ts'

export const NOW = Date.parse('2026-01-01T00:00:00Z')

/** A relay that tells, and what hears of it. */
export function metricsScene(parts: { readonly shards?: readonly ShardStatus[]; readonly retentionMs?: number } = {}) {
  const [ledger, lag, troubles] = [new Ledger(), new Lag(), new Troubles()]
  const meter: Meter = new Meter((measures) => measured.batch(measures))
  const standing = () => ({ isOpen: meter.isOpen, troubles: troubles.now(), idleMs: 0, parked: ledger.parkedTables })
  const told: Told = {
    ...{ ledger, lag, meter, troubles },
    idleMs: () => 0,
    checks: () => checksOf(standing(), { stalledAfterMs: 1, mostParked: 1 }, NOW),
    retentionMs: () => parts.retentionMs ?? null,
    shards: () => parts.shards ?? [],
    letters: () => ({
      keptIn: 'x',
      count: 3,
      kinds: [
        { source: 'a', code: 'X', count: 1 },
        { source: 'b', code: 'X', count: 2 },
      ],
    }),
  }
  const samples = [...countsOf(told), ...troublesOf(told), ...standingOf(told), ...processSamples()]
  const measured = metrics(samples, { constant: { relay: 'r "1"\\' }, version: '1.2.3' })
  const observer = observers(ledger, lag, meter, troubles)
  const read = async (accept = ''): Promise<Map<string, Family>> => {
    const { body } = await measured.render(accept)
    return readMetrics(body, accept === '' ? 'prometheus' : 'openmetrics')
  }
  /** The labels that samples of each metric may have, those beside `relay`. */
  const labelsOf = async (): Promise<ReadonlyMap<string, ReadonlySet<string>>> => {
    const rendered = Array.from(await read(), ([name, { samples: found }]): [string, string[]] => [
      name,
      found.flatMap(({ labels }) => Object.keys(labels)),
    ])
    const defined = new Map(samples.map(({ name, labels }) => [name, labels]))
    return new Map(
      rendered.map(([name, labels]) => [name, new Set([...labels, ...(defined.get(name) ?? []), 'relay'])]),
    )
  }
  return { observer, ledger, read, labelsOf }
}
