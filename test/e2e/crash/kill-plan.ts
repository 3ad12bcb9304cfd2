import type { Random } from '../../support/life/random.ts'
import { volume } from '../../support/volume.ts'
import type { Moment } from '../../support/wire/wire-proxy-moments.ts'

/** When a relay is killed. */
export type KillKind =
  | 'first write sent'
  | 'positions sent'
  | 'commit sent'
  | 'commit answered'
  | 'shard end sent'
  | 'shard end committed'
  | 'child asked for'
  | 'by chance'

/** These come with every batch, so they are planned; one that is planned strikes at one of the next batches. */
export const PLANNED = ['first write sent', 'positions sent', 'commit sent', 'commit answered', 'by chance'] as const
const MOST_BATCHES_BEFORE = volume(6, 12)

/** These come when they come, and are taken as long as there are not so many. */
const MOST_OF_RARE: Readonly<Partial<Record<KillKind, number>>> = {
  'shard end sent': volume(1, 3),
  'shard end committed': volume(1, 3),
  'child asked for': volume(1, 3),
}

/** Decides where each process of a relay is killed, until every kind was seen often enough; then one may live. */
export class KillPlan {
  readonly kills = new Map<KillKind, number>()
  readonly #random: Random
  /** The rest of the plan. */
  readonly #planned: KillKind[]
  #armed: KillKind | undefined
  #batchesBefore = 0
  #isFirst = true
  #childrenAsked = 0

  /** @param eachPlanned how often each kind is planned that comes with every batch */
  constructor(random: Random, eachPlanned = 3) {
    this.#random = random
    this.#planned = Array.from({ length: eachPlanned }, () => PLANNED).flat()
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

  #isWanted(kind: KillKind): boolean {
    return (this.kills.get(kind) ?? 0) < MOST_OF_RARE[kind]!
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

const END_KINDS: Readonly<Partial<Record<Moment['kind'], KillKind>>> = {
  'positions sent': 'shard end sent',
  'commit answered': 'shard end committed',
}

function kindOf({ kind }: Moment): KillKind | null {
  if (kind === 'write sent') return 'first write sent'
  return kind === 'positions answered' ? null : kind
}
