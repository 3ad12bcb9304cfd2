import type { Call, Method } from '../../support/gpss/audit.ts'
import type { Fault, Moment, Placement } from '../../support/gpss/settings.ts'
import type { Random } from '../../support/life/random.ts'

/** Something that happens to the server, or to the way there, at a moment of a call. */
export interface Trouble {
  readonly at: `${Method}/${Moment}`
  /** `away`: the server dies and is there again after a while. `no answers`: so many calls fail with UNAVAILABLE. `long time`: more than sessions may be idle passes. */
  readonly fault: Fault | { readonly kind: 'away' | 'no answers' | 'long time' }
  /** Where the SQL behind loads runs. Default: anywhere. */
  readonly postSql?: Placement
}

const RESTART: Fault = { kind: 'restart' }
const RESET: Fault = { kind: 'reset' }
const HANG: Fault = { kind: 'hang' }
const FORGET: Fault = { kind: 'forget session' }

export const TROUBLES = {
  'death at Connect': { at: 'Connect/start', fault: RESTART },
  'death at DescribeTable': { at: 'DescribeTable/start', fault: RESTART },
  'death at Open': { at: 'Open/end', fault: RESTART },
  'death at Write': { at: 'Write/end', fault: RESTART },
  'death before the commit': { at: 'Close/before commit', fault: RESTART },
  'death after the commit': { at: 'Close/after commit', fault: RESTART },
  'death behind the commit, SQL not run': { at: 'Close/after commit', fault: RESTART, postSql: 'outside' },
  'death before the answer of Close': { at: 'Close/end', fault: RESTART },
  'away before the commit': { at: 'Close/before commit', fault: { kind: 'away' } },
  'away after the commit': { at: 'Close/after commit', fault: { kind: 'away' } },
  'reset at Write': { at: 'Write/start', fault: RESET },
  'reset before the commit, which succeeds': { at: 'Close/before commit', fault: RESET },
  'reset before the answer of Close': { at: 'Close/end', fault: RESET },
  'no answer, not committed': { at: 'Close/before commit', fault: HANG },
  'no answer, committed': { at: 'Close/after commit', fault: HANG },
  'session unknown at Open': { at: 'Open/start', fault: FORGET },
  'session unknown at Write': { at: 'Write/start', fault: FORGET },
  'session unknown at Close': { at: 'Close/start', fault: FORGET },
  'idle for too long': { at: 'Close/end', fault: { kind: 'long time' } },
  'unavailable for some calls': { at: 'Open/start', fault: { kind: 'no answers' } },
} as const satisfies Record<string, Trouble>

/** At any time: the server is started again. */
export type TroubleKind = keyof typeof TROUBLES | 'death by chance'

const PLACEMENTS: readonly Placement[] = ['inside', 'inside twice', 'outside', 'outside twice']
const MOST_MOMENTS_BEFORE = 5

/** One trouble after another, in any order, until the plan is done. */
export class TroublePlan {
  readonly met = new Map<TroubleKind, number>()
  /** Where the server runs the SQL around loads. */
  placement: Placement = 'inside'
  readonly #random: Random
  readonly #planned: TroubleKind[] = []
  #momentsBefore = 0
  /** Nothing comes until the program has come on. */
  #isQuiet = false

  constructor(kinds: readonly TroubleKind[], random: Random) {
    this.#random = random
    const left = [...kinds]
    while (left.length > 0) this.#planned.push(...left.splice(random.below(left.length), 1))
    this.#arm()
  }

  /** Null when all have come. */
  get armed(): TroubleKind | null {
    return this.#planned[0] ?? null
  }

  /** What happens at this moment of a call, if something does. */
  at({ method }: Call, moment: Moment): Trouble['fault'] | null {
    const trouble = troubleOf(this.armed)
    if (this.#isQuiet || trouble?.at !== `${method}/${moment}` || this.#momentsBefore-- > 0) return null
    this.hasCome()
    return trouble.fault
  }

  /** The program has stored new positions. */
  hasComeOn(): void {
    this.#isQuiet = false
  }

  /** The armed one. */
  hasCome(): void {
    const kind = this.#planned.shift()!
    this.met.set(kind, (this.met.get(kind) ?? 0) + 1)
    this.#arm()
  }

  #arm(): void {
    const trouble = troubleOf(this.armed)
    // Sessions are kept: what comes with the first call of each is rare.
    const isRare = trouble?.at.startsWith('Connect') || trouble?.at.startsWith('DescribeTable')
    this.#momentsBefore = isRare ? 0 : this.#random.below(MOST_MOMENTS_BEFORE)
    // Troubles upon troubles are wanted, but each one of a batch makes the program wait longer than the one before it.
    this.#isQuiet = !isRare && this.met.size > 0 && this.#random.chance(0.8)
    this.placement = trouble?.postSql ?? this.#random.pick(PLACEMENTS)
  }
}

const troubleOf = (kind: TroubleKind | null): Trouble | undefined =>
  kind === null ? undefined : (TROUBLES as Readonly<Partial<Record<TroubleKind, Trouble>>>)[kind]
