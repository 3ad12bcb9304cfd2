import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { labelled, type Sample, type Sampled, single } from './sampled.ts'

/** A timer runs so often, to see how late it is. */
const RESOLUTION_MS = 20

/**
 * The process, under the names that every dashboard knows; those of prom-client have gauges that end with `_total`, and a metric for each
 * number that Node.js has.
 */
export function processSamples(): readonly Sampled[] {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const startedSeconds = Math.round(Date.now() / 1000 - process.uptime())
  return [
    single('counter', 'process_cpu_seconds_total', 'CPU time, user and system.', () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    }),
    single('gauge', 'process_start_time_seconds', 'When the process began; Unix time.', () => startedSeconds),
    single('gauge', 'process_resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss()),
    labelled('gauge', 'nodejs_memory_bytes', ['kind'], 'What that is made of, as far as Node.js knows.', () => {
      const { heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage()
      return [
        [heapUsed, 'heap_used'],
        [heapTotal, 'heap'],
        [external, 'external'],
        [arrayBuffers, 'array_buffers'],
      ]
    }),
    labelled(
      'gauge',
      'nodejs_eventloop_lag_seconds',
      ['statistic'],
      'How late the event loop was since the last time this was asked.',
      () => lagOf(delay),
    ),
  ]
}

/** The histogram counts how long each turn of its timer took, in nanoseconds. */
function lagOf(delay: IntervalHistogram): readonly Sample[] {
  if (delay.count === 0) return []
  const late = (nanos: number): number => Math.max(0, nanos / 1e9 - RESOLUTION_MS / 1e3)
  const samples: readonly Sample[] = [
    [late(delay.mean), 'mean'],
    [late(delay.percentile(99)), 'p99'],
    [late(delay.max), 'max'],
  ]
  delay.reset()
  return samples
}
