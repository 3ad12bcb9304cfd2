import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceClock } from '../../aws/service-clock.ts'
import { RelayError } from '../../errors.ts'
import type { Log } from '../../observe/log.ts'
import { atTimestamp, type Positions } from '../../position.ts'
import { listingOf, rootsOf, type Shard } from '../shards/lineage.ts'
import type { Stream } from '../shards/stream.ts'

interface StartContext {
  readonly stream: Stream
  readonly clock: ServiceClock
  readonly log: Log
}

/**
 * From now on: the shards that are open begin now. "Now" is an instant and not the service's LATEST, which would be
 * another one whenever an iterator has expired or the relay is started again.
 */
export async function positionsAtLatest({ stream, clock }: StartContext, signal: AbortSignal): Promise<Positions> {
  const open = (await stream.shards(signal)).filter((shard) => shard.isOpen)
  // The instant must come after the listing: a shard that is closed between the two would lose what it got meanwhile.
  const listed = clock.latest()
  while (clock.earliest() < listed) await sleep(listed - clock.earliest(), undefined, { signal })
  return positionsOf(open, clock.earliest())
}

/** From a time on: the shards that were open then begin there, their descendants at their oldest record. */
export async function positionsAtTime(ms: number, context: StartContext, signal: AbortSignal): Promise<Positions> {
  const { stream, clock, log } = context
  const { created, retentionMs } = await stream.describe(signal)
  const time = new Date(ms).toISOString()
  if (ms > clock.latest()) {
    throw new RelayError('CONFIGURATION', `The start ${time} lies in the future`, { option: 'start' })
  }
  if (ms < clock.earliest() - retentionMs) {
    log.warn(
      { code: 'STARTS_LATER', stream: stream.name, start: time },
      'The stream does not reach back to the start; beginning at its oldest record',
    )
    return new Map()
  }
  if (ms < Date.parse(created)) return new Map()
  // Of shards that were open together none descends from another. An emulator lists all shards, whatever is asked for:
  // beginning at the roots loses nothing then.
  return positionsOf(rootsOf(listingOf(await stream.shards(signal, ms))), ms)
}

const positionsOf = (shards: readonly Shard[], ms: number): Positions =>
  new Map(shards.map((shard) => [shard.id, atTimestamp(ms)]))
