import { type Positions, readFrom } from '../position.ts'
import type { Log } from './log.ts'

/** Says where reading begins: of one shard its position, of many how many begin where. */
export function sayBeginning(log: Log, positions: Positions): void {
  const counts = { finished: 0, afterPosition: 0, fromTime: 0, fromEarliest: 0 }
  let time: number | null = null
  for (const position of positions.values()) {
    const place = readFrom(position)
    if (place.kind === 'end') counts.finished++
    else if (place.kind === 'after') counts.afterPosition++
    else if (place.kind === 'start') counts.fromEarliest++
    else {
      counts.fromTime++
      time = place.ms
    }
  }
  const some = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
  const at = time === null ? {} : { fromTimeOf: new Date(time).toISOString() }
  const only = positions.size === 1 ? [...positions] : []
  const one = only.map(([shard, { sequence }]) => ({ shard, sequence }))[0]
  const isNew = counts.afterPosition === 0 && counts.finished === 0
  if (positions.size === 0)
    log.info({ code: 'READS', shards: 'all', from: 'earliest' }, 'Reading begins at the oldest record')
  else {
    const message = isNew ? 'Reading begins where `--start` says' : 'Reading goes on from what is stored'
    log.info({ code: 'READS', shards: positions.size, ...some, ...at, ...one }, message)
  }
}
