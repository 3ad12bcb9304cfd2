import client from 'prom-client'
import type { BatchMeasures, Phase } from './meter.ts'
import { asOpenMetrics } from './open-metrics.ts'
import type { Sampled } from './sampled.ts'

export interface Metrics {
  /** A batch is durable. */
  batch(measures: BatchMeasures): void
  /** @param accept of the request: OpenMetrics for who asks for it, else the text format of Prometheus */
  render(accept: string): Promise<{ readonly type: string; readonly body: string }>
}

/** Bounds of the buckets: from one record to more than a batch has, from a kilobyte, from a millisecond. */
const CHANGES = [1, 10, 100, 500, 1000, 2500, 5000, 10_000]
const BYTES = [1, 16, 64, 256, 1024, 4096, 8192, 16_384].map((kib) => kib * 1024)
const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

const OPEN_METRICS = 'application/openmetrics-text'

/**
 * The samples, and what is measured of each batch.
 * @param constant labels that each sample has
 */
export function metrics(
  samples: readonly Sampled[],
  { constant, version }: { readonly constant: Readonly<Record<string, string>>; readonly version: string },
): Metrics {
  const registry = new client.Registry()
  registry.setDefaultLabels(constant)
  const registers = [registry]
  for (const sampled of samples) register(registry, sampled)
  new client.Gauge({
    name: 'cdc_relay_info',
    help: 'The version of cdc-relay.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1)
  const histogram = (name: string, help: string, buckets: readonly number[], labelNames: readonly string[] = []) =>
    new client.Histogram({ name, help, buckets: [...buckets], labelNames, registers })
  const changes = histogram('cdc_relay_batch_changes', 'Changes, skips and dead letters of each batch.', CHANGES)
  const bytes = histogram('cdc_relay_batch_bytes', 'Size of the records of each batch.', BYTES)
  const seconds = histogram(
    'cdc_relay_batch_seconds',
    'How long a batch waited since its first record, was prepared, written (the waits between attempts included) and committed.',
    SECONDS,
    ['phase'],
  )

  return {
    batch(measures) {
      changes.observe(measures.changes)
      bytes.observe(measures.bytes)
      for (const [phase, value] of Object.entries(measures.seconds) as [Phase, number][]) {
        seconds.observe({ phase }, value)
      }
    },
    async render(accept) {
      const text = await registry.metrics()
      return accept.includes(OPEN_METRICS)
        ? { type: client.Registry.OPENMETRICS_CONTENT_TYPE, body: asOpenMetrics(text) }
        : { type: registry.contentType, body: text }
    },
  }
}

function register(registry: client.Registry, { type, name, help, labels, read }: Sampled): void {
  const common = { name, help, labelNames: labels, registers: [registry] }
  const named = (values: readonly string[]) => Object.fromEntries(labels.map((label, i) => [label, values[i]!]))
  const metric =
    type === 'counter' ? new client.Counter({ ...common, collect }) : new client.Gauge({ ...common, collect })
  function collect(): void {
    metric.reset()
    // A metric without labels is 0 then, even where there is nothing to tell.
    if (labels.length === 0) metric.remove()
    for (const [value, ...values] of read()) metric.inc(named(values), value)
  }
}
