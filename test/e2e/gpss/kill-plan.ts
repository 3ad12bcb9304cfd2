import type { Call, Method } from '../../support/gpss/audit.ts'
import type { Fault, Moment, Placement } from '../../support/gpss/settings.ts'
import type { Random } from '../../support/life/random.ts'

/** A moment of a load at which the program is killed, and what the server, which does not know it, makes of the load then. */
export interface Strike {
  readonly at: `${Method}/${Moment}`
  /** Which Write of its load. Default: any. */
  readonly write?: 'first' | 'later'
  /** What happens at the server. Default: it goes on. */
  readonly fault?: Fault
  /** Where the SQL behind loads runs. Default: anywhere. */
  readonly postSql?: Placement
  /** It is killed when it comes to write its state, after all loads of the batch were answered. Default: at once. */
  readonly atState?: true
}

const ROLL_BACK: Fault = { kind: 'forget session' }
const LATE: Fault = { kind: 'delay', milliseconds: 800 }

export const STRIKES = {
  Open: { at: 'Open/end' },
  'first Write': { at: 'Write/end', write: 'first' },
  'later Write': { at: 'Write/end', write: 'later' },
  'Close that is not heard': { at: 'Close/start', fault: ROLL_BACK },
  'before the commit, which fails': { at: 'Close/before commit', fault: ROLL_BACK },
  'before the commit, which succeeds': { at: 'Close/before commit' },
  'before the commit, which comes late': { at: 'Close/before commit', fault: LATE },
  'after the commit': { at: 'Close/after commit' },
  'answer of Close': { at: 'Close/end' },
  'behind the commit, SQL still run': { at: 'Close/after commit', postSql: 'outside' },
  'behind the commit, SQL not run': { at: 'Close/after commit', postSql: 'outside', fault: ROLL_BACK },
  'before the state is written': { at: 'Close/after commit', atState: true },
} as const satisfies Record<string, Strike>

export type StrikeKind = keyof typeof STRIKES
export type KillKind = StrikeKind | 'by chance'

const PLACEMENTS: readonly Placement[] = ['inside', 'inside twice', 'outside', 'outside twice']
const MOST_MOMENTS_BEFORE = 5

/** Decides where each process is killed, until all kinds that are planned have come; then one may live. */
export class KillPlan {
  readonly kills = new Map<KillKind, number>()
  /** Where the server runs the SQL around the loads of this process. */
  placement: Placement = 'inside'
  readonly #random: Random
  /** The rest of the plan; what is armed comes first. */
  readonly #planned: KillKind[]
  #momentsBefore = 0
  #isFirst = true

  constructor(planned: readonly KillKind[], random: Random) {
    this.#planned = [...planned]
    this.#random = random
  }

  /** To be asked before each process; null if it may live. The first one dies before anything is durable. */
  arm(): KillKind | null {
    const armed = this.#planned[0] ?? null
    const strike = armed === null ? undefined : strikeOf(armed)
    this.placement = strike?.postSql ?? this.#random.pick(PLACEMENTS)
    this.#momentsBefore = this.#isFirst ? 0 : this.#random.below(MOST_MOMENTS_BEFORE)
    this.#isFirst = false
    return armed
  }

  /** Whether the program dies at this moment of a call. */
  strikes(call: Call, moment: Moment): Strike | null {
    const armed = this.#planned[0]
    const strike = armed === undefined ? undefined : strikeOf(armed)
    if (strike === undefined || !isAt(strike, call, moment)) return null
    // A later Write is rare: the first one is taken.
    return strike.write === 'later' || this.#momentsBefore-- <= 0 ? strike : null
  }

  /** The armed one. */
  struck(): void {
    const kind = this.#planned.shift()!
    this.kills.set(kind, (this.kills.get(kind) ?? 0) + 1)
  }
}

const strikeOf = (kind: KillKind): Strike | undefined => (STRIKES as Readonly<Partial<Record<KillKind, Strike>>>)[kind]

function isAt({ at, write }: Strike, { method, nthOfLoad }: Call, moment: Moment): boolean {
  return at === `${method}/${moment}` && (write === undefined || (write === 'first') === (nthOfLoad === 1))
}
