import { metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import type { BatchMeasures, Phase } from '../http/metrics/meter.ts'
import type { Sampled } from '../http/metrics/sampled.ts'
import type { RelayWatch } from '../http/relay-watch.ts'
import { startSdk } from './sdk.ts'

export interface Otel {
  /** Sends what is left: a collector that is away holds that up for as long as the SDK tries. Twice is fine. */
  close(): Promise<void>
}

/**
 * Tells OpenTelemetry of a relay, as the variables `OTEL_…` want it: metrics, the same as for Prometheus, and a trace of each batch.
 * Nothing of it holds a value of a row. Null, with a warning, where the SDK is not installed.
 *
 * @param says as for `startSdk`
 */
export async function openOtel(watch: RelayWatch, says: boolean): Promise<Otel | null> {
  const { told, samples, log } = watch
  const close = await startSdk(told.version, log, says)
  if (close === null) return null
  const constant = { 'cdc_relay.name': told.relay }
  for (const sampled of samples) observe(sampled, constant)
  const meter = metrics.getMeter('cdc-relay', told.version)
  const changes = meter.createHistogram('cdc_relay_batch_changes', { description: 'Size of each batch.' })
  const seconds = meter.createHistogram('cdc_relay_batch_seconds', { description: 'Phases of each batch.', unit: 's' })
  watch.onBatch((measures) => {
    changes.record(measures.changes, constant)
    for (const [phase, value] of phasesOf(measures)) seconds.record(value, { ...constant, phase })
    traceBatch(measures, { ...constant, version: told.version })
  })
  return { close }
}

const phasesOf = ({ seconds }: BatchMeasures) => Object.entries(seconds) as [Phase, number][]

/** Counters have no `_total` in OpenTelemetry: who turns them into Prometheus adds it. */
function observe({ type, name, help, labels, read }: Sampled, constant: Record<string, string>): void {
  const meter = metrics.getMeter('cdc-relay')
  const options = { description: help, unit: unitOf(name) }
  const instrument =
    type === 'counter'
      ? meter.createObservableCounter(name.replace(/_total$/, ''), options)
      : meter.createObservableGauge(name, options)
  instrument.addCallback((result) => {
    for (const [labelValues, value] of summed(read())) {
      const named = Object.fromEntries(labels.map((label, i) => [label, labelValues[i]!]))
      result.observe(value, { ...constant, ...named })
    }
  })
}

/** One value for each combination of labels. */
function summed(samples: Iterable<readonly [number, ...string[]]>): Iterable<readonly [string[], number]> {
  const sums = new Map<string, [string[], number]>()
  for (const [value, ...labels] of samples) {
    const name = JSON.stringify(labels)
    sums.set(name, [labels, (sums.get(name)?.[1] ?? 0) + value])
  }
  return sums.values()
}

const unitOf = (name: string): string => (/_seconds(_total)?$/.test(name) ? 's' : /_bytes$/.test(name) ? 'By' : '1')

/** A trace of a batch that is durable by now: its phases, one behind the other. */
function traceBatch(measures: BatchMeasures, { version, ...constant }: Record<string, string>): void {
  const tracer = trace.getTracer('cdc-relay', version)
  const phases = phasesOf(measures)
  const endMs = Date.now()
  let atMs = endMs - phases.reduce((sum, [, value]) => sum + value * 1000, 0)
  const attributes = {
    ...constant,
    'cdc_relay.batch.changes': measures.changes,
    'cdc_relay.batch.bytes': measures.bytes,
  }
  const batch = tracer.startSpan('batch', { startTime: atMs, attributes }, ROOT_CONTEXT)
  const context = trace.setSpan(ROOT_CONTEXT, batch)
  for (const [phase, value] of phases) {
    const span = tracer.startSpan(phase, { startTime: atMs }, context)
    atMs += value * 1000
    span.end(atMs)
  }
  batch.end(endMs)
}
