import { tableDifferences } from '../../support/dms-life/compare.ts'
import { type Delivery, type DeliveryOptions, deliver, INTERLEAVINGS } from '../../support/dms-life/delivery.ts'
import { type DmsLife, type DmsLifeOptions, dmsLife } from '../../support/dms-life/dms-life.ts'
import { lastArrivalMirror } from '../../support/dms-life/mirrors.ts'
import type { PlannedRecord } from '../../support/dms-life/plan.ts'
import type { MissingColumns } from '../../support/dms-life/truth.ts'
import { seededRandom } from '../../support/life/random.ts'
import type { Help } from './operator.ts'
import type { Interruption } from './scripted-source.ts'
import type { MirrorSettings } from './target-tables.ts'

/** One life, one way in which its records come, one operator. */
export interface Play {
  readonly seed: number
  readonly life: DmsLife
  readonly how: DeliveryOptions
  readonly delivery: Delivery
  readonly settings: MirrorSettings
  /** `--missing-columns`, which comes to `settings.missing` for all that the truth depends on. */
  readonly missingColumns: MissingColumns | 'auto'
  readonly help: Help
  readonly interruptions: readonly Interruption[]
}

/** What is not left to lot. */
export interface Forced extends Omit<DmsLifeOptions, 'seed' | 'changes' | 'keys'>, Partial<DeliveryOptions> {
  readonly help?: Help
}

/** The same for the same seed. */
export function newPlay(seed: number, { shards, interleaving, help, ...forced }: Forced): Play {
  const random = seededRandom(seed + 1)
  const life = dmsLife({ seed, changes: 250, keys: random.pick([5, 14, 30]), ...forced })
  const how = {
    shards: shards ?? random.pick([1, 2, 8]),
    interleaving: interleaving ?? random.pick(INTERLEAVINGS),
  }
  const delivery = deliver(life.records, how, random)
  const automatically = random.chance(0.5) ? automatic(life, delivery) : null
  const missing = automatically ?? random.pick(['null', 'keep'] as const)
  return {
    seed,
    life,
    how,
    delivery,
    settings: {
      missing,
      onReload: random.pick(['keep', 'sweep']),
      deletes: random.pick(['hard', 'soft']),
    },
    missingColumns: automatically === null ? missing : 'auto',
    help: help ?? random.pick(['little', 'all', 'ready-made tables']),
    interruptions: Array.from({ length: random.below(4) }, () => ({
      how: random.pick(['stop', 'failure']),
      afterRecords: random.below(delivery.arrivals.length / 2),
    })),
  }
}

/** What `auto` comes to; null where a partial image may be read before the stream has shown a null. */
function automatic({ endpoint }: DmsLife, { shards }: Delivery): MissingColumns | null {
  if (!endpoint.includeNullAndEmpty) return 'null'
  const showsNull = ({ says }: PlannedRecord) => [...(says?.image?.values() ?? [])].some((cell) => cell === null)
  const mayBePartial = ({ says }: PlannedRecord) => says?.op === 'update' && says.table.images !== 'whole'
  const isInTime = (records: readonly PlannedRecord[]): boolean => {
    const first = records.findIndex(mayBePartial)
    return first === -1 || records.slice(0, first).some(showsNull)
  }
  return shards.every(isInTime) ? 'keep' : null
}

/** How many values and rows a mirror has wrong that believes every record as it comes. */
export function naiveErrors({ life, delivery, settings: { missing, onReload } }: Play): number {
  const mirrored = lastArrivalMirror(delivery.arrivals, missing)
  const expected = life.expectedRows(missing)
  const leftovers = life.leftovers(onReload)
  const differences = life.tables.flatMap((table) =>
    tableDifferences(table, expected.get(table)!, mirrored.get(table) ?? [], leftovers.get(table) ?? new Set()),
  )
  return differences.length
}
