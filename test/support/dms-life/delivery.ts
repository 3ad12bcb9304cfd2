import { createHash } from 'node:crypto'
import type { Random } from '../life/random.ts'
import { type PlannedRecord, versionOf } from './plan.ts'
import { labelOf } from './tables.ts'

/** How records of different partition keys come, one against the other. */
export type Interleaving =
  /** Any order. */
  | 'shuffled'
  /** By the time that DMS wrote, give or take some. */
  | 'by-time'
  /** Every change after all load rows and control records, as far as their partition keys let them. */
  | 'changes-last'
  /** Every load row after all changes, likewise. */
  | 'loads-last'
  /** Every control record after all data, likewise. */
  | 'controls-last'

export const INTERLEAVINGS: readonly Interleaving[] = [
  'shuffled',
  'by-time',
  'changes-last',
  'loads-last',
  'controls-last',
]

export interface Arrival {
  /** 0 to `shards - 1`, from the low hash keys to the high ones. */
  readonly shard: number
  readonly record: PlannedRecord
}

export interface Delivery {
  /** Everything in the order in which the stream takes it, or a reader meets it. */
  readonly arrivals: readonly Arrival[]
  /** The records of each shard, in order. */
  readonly shards: readonly (readonly PlannedRecord[])[]
  readonly figures: DeliveryFigures
}

export interface DeliveryFigures {
  records: number
  /** Records that come after a newer one of their row. */
  late: number
  /** Load rows that come after a change of their row. */
  overtakenLoads: number
  /** Data of a table before its first `create-table`. */
  beforeCreateTable: number
  /** Tables with a key whose records lie on more than one shard. */
  spreadTables: number
  /** Keys with records on more than one shard. */
  spreadRows: number
}

export interface DeliveryOptions {
  readonly shards: number
  readonly interleaving: Interleaving
}

export function deliver(
  records: readonly PlannedRecord[],
  { shards, interleaving }: DeliveryOptions,
  random: Random,
): Delivery {
  const arrivals = Array.from(merged(lanesOf(records), interleaving, random), (record) => ({
    shard: shardOf(record.partitionKey, shards),
    record,
  }))
  const byShard: PlannedRecord[][] = Array.from({ length: shards }, () => [])
  for (const { shard, record } of arrivals) byShard[shard]!.push(record)
  return { arrivals, shards: byShard, figures: figuresOf(arrivals) }
}

/** Where Kinesis puts a partition key if the shards have equal parts of the hash keys. */
export function shardOf(partitionKey: string, shards: number): number {
  const hash = createHash('md5').update(partitionKey).digest('hex')
  return Number((BigInt(`0x${hash}`) * BigInt(shards)) >> 128n)
}

function lanesOf(records: readonly PlannedRecord[]): PlannedRecord[][] {
  const lanes = new Map<string, PlannedRecord[]>()
  for (const record of records) {
    const lane = lanes.get(record.partitionKey)
    if (lane === undefined) lanes.set(record.partitionKey, [record])
    else lane.push(record)
  }
  return [...lanes.values()]
}

/** Takes the record that comes next from the front of a lane, until all are empty. */
function* merged(
  lanes: readonly (readonly PlannedRecord[])[],
  interleaving: Interleaving,
  random: Random,
): Generator<PlannedRecord> {
  const open = lanes.map((lane) => ({ lane, next: 0, due: 0 }))
  const schedule = (one: (typeof open)[number]): void => {
    one.due = dueOf(one.lane[one.next]!, one.lane.length - one.next, interleaving, random)
  }
  for (const one of open) schedule(one)
  while (open.length > 0) {
    let first = 0
    for (let index = 1; index < open.length; index++) if (open[index]!.due < open[first]!.due) first = index
    const one = open[first]!
    yield one.lane[one.next++]!
    if (one.next < one.lane.length) schedule(one)
    else open.splice(first, 1)
  }
}

/** @returns the lane with the smallest number comes next; `left` counts its records, so that long lanes are not left over */
function dueOf(record: PlannedRecord, left: number, interleaving: Interleaving, random: Random): number {
  const chance = random.below(1_000_000) / left
  switch (interleaving) {
    case 'shuffled':
      return chance
    case 'by-time':
      return record.micros + random.below(60_000_000)
    case 'changes-last':
      return (record.kind === 'change' ? LAST : 0) + chance
    case 'loads-last':
      return (record.kind === 'load' ? LAST : 0) + chance
    case 'controls-last':
      return (record.kind === 'control' ? LAST : 0) + chance
  }
}

const LAST = 1e9

function figuresOf(arrivals: readonly Arrival[]): DeliveryFigures {
  const figures = { records: arrivals.length, late: 0, overtakenLoads: 0, beforeCreateTable: 0 }
  const newest = new Map<string, number>()
  const changed = new Set<string>()
  const created = new Set<string>()
  const shardsOfTable = new Map<string, Set<number>>()
  const shardsOfRow = new Map<string, Set<number>>()

  for (const { shard, record } of arrivals) {
    const { says, micros, kind } = record
    if (says === null) continue
    const table = labelOf(says.table)
    add(shardsOfTable, table, shard)
    if (says.op === 'create-table') created.add(table)
    if (kind !== 'control' && !created.has(table)) figures.beforeCreateTable++
    if (says.key === null) continue

    const version = versionOf(says.op, micros)
    const rows = [...new Set([says.key, says.newKey ?? says.key])].map((key) => `${table} ${key}`)
    if (rows.some((row) => (newest.get(row) ?? 0) > version)) figures.late++
    if (kind === 'load' && rows.some((row) => changed.has(row))) figures.overtakenLoads++
    for (const row of rows) {
      newest.set(row, Math.max(newest.get(row) ?? 0, version))
      if (kind === 'change') changed.add(row)
      add(shardsOfRow, row, shard)
    }
  }
  return { ...figures, spreadTables: spread(shardsOfTable), spreadRows: spread(shardsOfRow) }
}

function add(map: Map<string, Set<number>>, name: string, shard: number): void {
  const shards = map.get(name)
  if (shards === undefined) map.set(name, new Set([shard]))
  else shards.add(shard)
}

const spread = (map: ReadonlyMap<string, ReadonlySet<number>>): number =>
  [...map.values()].filter((shards) => shards.size > 1).length
