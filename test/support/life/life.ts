import { type Happening, type HistoryFigures, newHistory, type Standing } from './history.ts'
import { type Random, seededRandom } from './random.ts'
import { plainImage } from './values.ts'

/**
 * The life of an orders table: what the stream takes when DynamoDB writes about it (late, twice, and spread over
 * the shards), and what a mirror of the table must look like in the end.
 * Nothing here uses the code that it is meant to test.
 *
 * Records as "Using Kinesis Data Streams to capture changes to DynamoDB" in the DynamoDB Developer Guide says.
 */
export interface LifeOptions {
  readonly seed: number
  /** Changes that truly happen; the stream carries some more, since some arrive twice. */
  readonly changes: number
  /** How many orders there are to change. */
  readonly orders: number
  /**
   * Microseconds give every change a version of its own (the default here). With milliseconds some changes of an
   * order have equal versions, and only arrival settles them: each order then keeps to one partition key.
   */
  readonly precision?: 'MICROSECOND' | 'MILLISECOND'
}

/** What is put into the stream. */
export interface StreamRecord {
  readonly partitionKey: string
  readonly data: string
}

/** A row as the mirror must have it, `data` as PostgreSQL prints jsonb. */
export interface MirroredRow {
  readonly version: number
  readonly data: string
}

export interface LifeFigures extends HistoryFigures {
  /** Records in the stream. */
  records: number
  /** Records that come a second time. */
  duplicates: number
  /** Records that come after a newer change of the same order. */
  late: number
}

export interface Life {
  /** Everything in the order in which the stream takes it. To be read once; the rest is true when it has ended. */
  records(): Generator<StreamRecord>
  readonly figures: LifeFigures
  /** Customer and order number, with `|` between → the row. */
  rows(): Map<string, MirroredRow>
  /** How many orders a mirror would have wrong that believes every record as it comes. */
  wrongIfLastWins(): number
}

export function ordersLife({ seed, changes, orders, precision = 'MICROSECOND' }: LifeOptions): Life {
  const random = seededRandom(seed)
  const history = newHistory({ changes, orders, precision }, random)
  const figures = Object.assign(history.figures, { records: 0, duplicates: 0, late: 0 })
  /** Order → what came last, and what came last of the newest. */
  const arrived = new Map<string, { last: Standing; newest: Standing }>()

  function* records(): Generator<StreamRecord> {
    for (const { happening, copy } of delivered(history.happenings(), Math.ceil(changes / LATE_BY), random)) {
      note(happening)
      figures.records++
      if (copy) figures.duplicates++
      const atHome = precision === 'MILLISECOND' || random.chance(0.5)
      yield { partitionKey: atHome ? happening.homeKey : random.hex(32), data: happening.json(eventId(random)) }
    }
  }

  function note({ order, standing }: Happening): void {
    const before = arrived.get(order)
    if (before === undefined) {
      arrived.set(order, { last: standing, newest: standing })
      return
    }
    before.last = standing
    if (standing.version < before.newest.version) figures.late++
    else before.newest = standing
  }

  /** How each order must stand: by its true history, and where versions are equal by what came last. */
  const truth = (): Iterable<[string, Standing]> =>
    precision === 'MICROSECOND' ? history.standings : Array.from(arrived, ([order, { newest }]) => [order, newest])

  return {
    records,
    figures,
    rows() {
      const rows = new Map<string, MirroredRow>()
      for (const [order, { version, after }] of truth()) {
        if (after !== null) rows.set(order, { version, data: plainImage(after) })
      }
      return rows
    },
    wrongIfLastWins() {
      let wrong = 0
      for (const [order, { ordinal, after }] of truth()) {
        const { last } = arrived.get(order)!
        if (last.ordinal !== ordinal && (last.after !== null || after !== null)) wrong++
      }
      return wrong
    },
  }
}

/** A record is late by at most this part of the whole life. */
const LATE_BY = 40

/** Hands on what happens: a third of it late, by less than `lateness` changes, and one in twenty-five twice. */
function* delivered(
  happenings: Iterable<Happening>,
  lateness: number,
  random: Random,
): Generator<{ readonly happening: Happening; readonly copy: boolean }> {
  /** What is still under way, by the moment at which it arrives, counted in changes. */
  const underWay: { happening: Happening; copy: boolean }[][] = Array.from({ length: lateness }, () => [])
  let moment = 0

  const send = (happening: Happening, copy: boolean, delay: number): void => {
    underWay[(moment + delay) % lateness]!.push({ happening, copy })
  }
  const arrivals = () => underWay[moment++ % lateness]!.splice(0)

  for (const happening of happenings) {
    const delay = random.chance(1 / 3) ? random.below(lateness) : 0
    send(happening, false, delay)
    if (random.chance(0.04)) send(happening, true, delay + random.below(lateness - delay))
    yield* arrivals()
  }
  for (let rest = 0; rest < lateness; rest++) yield* arrivals()
}

function eventId(random: Random): string {
  const hex = random.hex(32).toLowerCase()
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
