import { CappedLabels } from './capped-labels.ts'
import { labelled, type Sample, type Sampled, single } from './sampled.ts'
import type { Told } from './told.ts'

/** So many shards have samples of their own. */
const MOST_SHARDS = 200

/** Where the target stands, and how far behind. */
export function standingOf({ lag, meter, retentionMs, shards }: Told): readonly Sampled[] {
  const names = new CappedLabels(MOST_SHARDS)
  const isHalfOver = (behindMs: number | null): boolean => {
    const keptMs = retentionMs()
    return behindMs !== null && keptMs !== null && behindMs > keptMs / 2
  }
  return [
    single('gauge', 'cdc_relay_claimed', '1 once the name of the relay is claimed and reading has begun.', () =>
      meter.isOpen ? 1 : 0,
    ),
    single(
      'gauge',
      'cdc_relay_positions',
      'Shards whose position is stored, finished ones among them.',
      () => shards().length,
    ),
    single('gauge', 'cdc_relay_reading_shards', 'Shards that are read.', () => lag.shards()),
    single(
      'gauge',
      'cdc_relay_lag_seconds',
      'The age of what is not written yet of the shard that is furthest behind; 0 if none is.',
      () => lag.slowestMs(Date.now()) / 1000,
    ),
    labelled('gauge', 'cdc_relay_shard_lag_seconds', ['shard'], 'The same of each shard that is read.', () => {
      const lags = [...lag.byShard(Date.now())]
      names.retain(new Set([...shards().map(({ shard }) => shard), ...lags.map(([shard]) => shard)]))
      return one(
        lags.map(([shard, ms]) => [ms / 1000, names.of(shard)] as const),
        Math.max,
      )
    }),
    labelled(
      'gauge',
      'cdc_relay_shard_written_to_timestamp_seconds',
      ['shard'],
      'All that came into an unfinished shard up to then is written; Unix time.',
      () => {
        const open = shards().filter(({ standing, upTo }) => standing !== 'finished' && upTo !== null)
        return one(
          open.map(({ shard, upTo }) => [Date.parse(upTo!) / 1000, names.of(shard)] as const),
          Math.min,
        )
      },
    ),
    labelled('gauge', 'cdc_relay_retention_seconds', [], 'How long the stream keeps a record.', () => {
      const keptMs = retentionMs()
      return keptMs === null ? [] : [[keptMs / 1000]]
    }),
    single(
      'gauge',
      'cdc_relay_half_retention_passed',
      '1 if a shard is not known to be written up to half of the time that the stream keeps a record.',
      () => (shards().some(({ behindMs }) => isHalfOver(behindMs)) ? 1 : 0),
    ),
  ]
}

/** One sample for each name: of those that are too many to have one of their own, the worst. */
function one(
  samples: readonly (readonly [value: number, name: string])[],
  worseOf: (a: number, b: number) => number,
): readonly Sample[] {
  const kept = new Map<string, number>()
  for (const [value, name] of samples) kept.set(name, worseOf(value, kept.get(name) ?? value))
  return Array.from(kept, ([name, value]) => [value, name])
}
