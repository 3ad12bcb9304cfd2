import type { Random } from '../../support/life/random.ts'
import { volume } from '../../support/volume.ts'
import type { Moment } from '../../support/wire/wire-proxy-moments.ts'

/** These come with every batch, so they are planned; one that is planned strikes at one of the next batches. */
export const PLANNED = ['first write sent', 'positions sent', 'commit sent', 'commit answered', 'by chance'] as const
/** These come when they come, and are taken as long as there are not so many. */
export const OF_SHARD_ENDS = ['shard end sent', 'shard end committed', 'child asked for'] as const

export type BatchKill = (typeof PLANNED)[number]
export type ShardEndKill = (typeof OF_SHARD_ENDS)[number]
/** When a relay is killed. */
export type KillKind = BatchKill | ShardEndKill

/** Which kills one relay is to see. */
export interface Kills {
  /** One after another. The first one is not by chance: it may come before the relay has made its tables. */
  readonly ofBatches: readonly BatchKill[]
  /** At least once each, and often again where many are played. */
  readonly ofShardEnds: readonly ShardEndKill[]
}

/** @param each how often each kind comes that comes with every batch */
export const everyKill = (each: number): Kills => ({
  ofBatches: Array.from({ length: each }, () => PLANNED).flat(),
  ofShardEnds: OF_SHARD_ENDS,
})

const MOST_BATCHES_BEFORE = volume(6, 12)
const MOST_OF_SHARD_ENDS = volume(1, 3)

/** Decides where each process of a relay is killed, until every kind was seen often enough; then one may live. */
export class KillPlan {
  readonly kills = new Map<KillKind, number>()
  readonly #random: Random
  /** The rest of the plan. */
  readonly #planned: BatchKill[]
  readonly #ofShardEnds: readonly ShardEndKill[]
  #armed: BatchKill | undefined
  #batchesBefore = 0
  #isFirst = true
  #childrenAsked = 0

  constructor(random: Random, { ofBatches, ofShardEnds }: Kills) {
    this.#random = random
    this.#planned = [...ofBatches]
    this.#ofShardEnds = ofShardEnds
  }

  /** To be asked before each process; true if it is to be killed by chance. The first dies before it has committed anything. */
  arm(): boolean {
    this.#armed ??= this.#planned.shift()
    this.#batchesBefore = this.#isFirst ? 0 : this.#random.below(MOST_BATCHES_BEFORE)
    this.#isFirst = false
    return this.#armed === 'by chance'
  }

  /** How the process dies here, if it does. */
  at(moment: Moment): KillKind | null {
    const kind = kindOf(moment)
    if (moment.finished.length > 0) {
      const ofEnd = END_KINDS[moment.kind]
      if (ofEnd !== undefined && this.#isWanted(ofEnd)) return this.#killed(ofEnd)
    }
    if (kind !== this.#armed) return null
    if (this.#batchesBefore-- > 0) return null
    return this.#killedAsPlanned()
  }

  atChild(): KillKind | null {
    if (!this.#isWanted('child asked for')) return null
    // By chance, but surely once.
    const isLate = ++this.#childrenAsked > 1 && !this.kills.has('child asked for')
    return isLate || this.#random.chance(0.5) ? this.#killed('child asked for') : null
  }

  byChance(): KillKind {
    return this.#killedAsPlanned()
  }

  #isWanted(kind: ShardEndKill): boolean {
    return this.#ofShardEnds.includes(kind) && (this.kills.get(kind) ?? 0) < MOST_OF_SHARD_ENDS
  }

  #killedAsPlanned(): KillKind {
    const kind = this.#armed!
    this.#armed = undefined
    return this.#killed(kind)
  }

  #killed(kind: KillKind): KillKind {
    this.kills.set(kind, (this.kills.get(kind) ?? 0) + 1)
    return kind
  }
}

const END_KINDS: Readonly<Partial<Record<Moment['kind'], ShardEndKill>>> = {
  'positions sent': 'shard end sent',
  'commit answered': 'shard end committed',
}

function kindOf({ kind }: Moment): KillKind | null {
  if (kind === 'write sent') return 'first write sent'
  return kind === 'positions answered' ? null : kind
}
