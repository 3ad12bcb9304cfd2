import { quoted } from '../../support/dms-life/compare.ts'
import type { Stored } from '../../support/kinesis/kinesalite.ts'
import type { Query } from '../../support/targets/sql-target.ts'
import type { Feed } from './feed.ts'
import type { Positions, StoredPositions } from './stored-positions.ts'

/**
 * `same`: one process cuts a batch once, so two loads have the same records or none in common. `any`: the process that
 * comes after a killed one may cut otherwise, but what it repeats of a load is all of it.
 */
export type Repeats = 'same' | 'any'

/** What one transaction has brought into a table: `shard sequence` of each row. */
type Load = readonly string[]

/**
 * Where a log is not what it must be, in words; empty if each record is there, in loads that are whole batches of their
 * table. The database itself tells what one load was, the state file where batches begin, and nothing the program's word.
 */
export async function logProblems(
  query: Query,
  { positions }: Feed,
  { all: starts }: StoredPositions,
  repeats: Repeats,
): Promise<string[]> {
  const problems: string[] = []
  for (const [table, records] of positions) {
    const loads = await loadsOf(query, table)
    const found = [
      ...recordProblems(records, loads),
      ...loads.flatMap((load) => borderProblems(load, records, starts)),
      ...(repeats === 'same' ? unequalRepeats(loads) : partialRepeats(loads)),
    ]
    problems.push(...found.map((problem) => `${table}: ${problem}`))
  }
  return problems
}

/** How many loads repeat records that came before. */
export async function repeatedLoads(query: Query, { positions }: Feed): Promise<number> {
  let repeats = 0
  for (const table of positions.keys()) {
    const seen = new Set<string>()
    for (const load of await loadsOf(query, table)) {
      if (load.some((record) => seen.has(record))) repeats++
      for (const record of load) seen.add(record)
    }
  }
  return repeats
}

/** In the order in which they were opened: a transaction has its number from then on, and each row bears that. */
async function loadsOf(query: Query, table: string): Promise<Load[]> {
  const [schema, name] = table.split(/\.(.*)/s) as [string, string]
  const rows = await query(
    `SELECT xmin::text AS transaction, data->'source'->>'shard' AS shard, data->'source'->>'sequence' AS sequence
     FROM ${quoted(schema)}.${quoted(name)}`,
  )
  const loads = [...Map.groupBy(rows, (row) => Number(row.transaction))].sort(([a], [b]) => a - b)
  return loads.map(([, ofLoad]) => ofLoad.map(({ shard, sequence }) => `${shard} ${sequence}`))
}

const idOf = ({ shard, sequence }: Stored): string => `${shard} ${sequence}`

/** Each record at least once, none that does not exist, none twice in one load. */
function recordProblems(records: readonly Stored[], loads: readonly Load[]): string[] {
  const expected = new Set(records.map(idOf))
  const found = new Set(loads.flat())
  return [
    ...[...expected].filter((record) => !found.has(record)).map((record) => `${record} is lost`),
    ...[...found].filter((record) => !expected.has(record)).map((record) => `${record} should not be there`),
    ...loads.filter((load) => new Set(load).size < load.length).map((load) => `${labelOf(load)} has a record twice`),
  ]
}

/** A batch begins where some stored positions end, with the next record of the table in each shard, and leaves none out. */
function borderProblems(load: Load, records: readonly Stored[], starts: readonly Positions[]): string[] {
  const loaded = new Set(load)
  const shards = [...Map.groupBy(records, ({ shard }) => shard)]
  const isStart = (start: Positions): boolean =>
    shards.every(([shard, ofShard]) => {
      const count = ofShard.filter((record) => loaded.has(idOf(record))).length
      return recordsBehind(ofShard, start[shard])
        .slice(0, count)
        .every((record) => loaded.has(idOf(record)))
    })
  return starts.some(isStart) ? [] : [`${labelOf(load)} does not begin where a batch does, or leaves records out`]
}

/** @param sequence a word instead of a number: none of the shard's records are done, or all, and then no load has any of them */
function recordsBehind(ofShard: readonly Stored[], sequence = ''): readonly Stored[] {
  return /^\d+$/.test(sequence) ? ofShard.filter((record) => BigInt(record.sequence) > BigInt(sequence)) : ofShard
}

/** What later loads repeat of one is all of it. */
function partialRepeats(loads: readonly Load[]): string[] {
  const problems: string[] = []
  const later = new Set<string>()
  for (const load of loads.toReversed()) {
    const repeated = load.filter((record) => later.has(record)).length
    if (repeated !== 0 && repeated !== load.length)
      problems.push(`${labelOf(load)} is repeated only to ${repeated} records`)
    for (const record of load) later.add(record)
  }
  return problems
}

function unequalRepeats(loads: readonly Load[]): string[] {
  const problems: string[] = []
  const wholeOf = new Map<string, string>()
  for (const load of loads) {
    const whole = load.toSorted().join()
    if (load.some((record) => (wholeOf.get(record) ?? whole) !== whole))
      problems.push(`${labelOf(load)} repeats a part`)
    for (const record of load) wholeOf.set(record, whole)
  }
  return problems
}

const labelOf = (load: Load): string => `the load of ${load.length} records with ${load[0]}`
