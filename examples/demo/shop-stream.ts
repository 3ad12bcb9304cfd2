import { type Arrival, shardOf } from '../../test/support/dms-life/delivery.ts'
import type { PlannedRecord } from '../../test/support/dms-life/plan.ts'
import { labelOf } from '../../test/support/dms-life/tables.ts'
import type { Kinesalite, Put } from '../../test/support/kinesis/kinesalite.ts'
import type { Random } from '../../test/support/life/random.ts'
import { withProgress } from './telling.ts'

const MINUTE_MICROS = 60_000_000

/**
 * Records come less than so much later than DMS says that they are made: its threads load and apply side by side, and no
 * two shards are read at the same pace. Control records are in time, so on each shard they stand before the data that was
 * made after them: a row may still have to wait for a `create-table` on another shard, but no two shards for each other.
 */
const MOST_LATE_MICROS = { load: 30 * MINUTE_MICROS, change: 2 * MINUTE_MICROS, control: 1 }

/** @param records in the order in which DMS writes them, which stays for each partition key */
export function inOrderOfArrival(records: readonly PlannedRecord[], shards: number, random: Random): Arrival[] {
  const latest = new Map<string, number>()
  const timed = records.map((record) => {
    const late = record.micros + random.below(MOST_LATE_MICROS[record.kind])
    const at = Math.max(late, latest.get(record.partitionKey) ?? 0)
    latest.set(record.partitionKey, at)
    return { shard: shardOf(record.partitionKey, shards), record, at }
  })
  return timed.sort((a, b) => a.at - b.at)
}

/** As many as one request takes. */
const AT_A_TIME = 500

export async function writeStream(
  kinesis: Kinesalite,
  stream: string,
  shards: number,
  arrivals: readonly Arrival[],
): Promise<void> {
  await kinesis.createStream(stream, shards)
  let part: Put[] = []
  for (const { record } of withProgress(arrivals)) {
    part.push({ key: record.partitionKey, data: record.data })
    if (part.length < AT_A_TIME) continue
    await kinesis.put(stream, part)
    part = []
  }
  await kinesis.put(stream, part)
}

export interface ArrivalFigures {
  records: number
  /** Load rows that come after a change of their row. */
  lateLoads: number
  deletes: number
}

export function arrivalFigures(arrivals: readonly Arrival[]): ArrivalFigures {
  const figures: ArrivalFigures = { records: arrivals.length, lateLoads: 0, deletes: 0 }
  const changed = new Set<string>()
  for (const { record } of arrivals) {
    const { kind, says } = record
    if (says === null || says.key === null) continue
    const row = `${labelOf(says.table)} ${says.key}`
    if (says.op === 'delete') figures.deletes++
    if (kind === 'load' && changed.has(row)) figures.lateLoads++
    if (kind === 'change') changed.add(row)
  }
  return figures
}
