import { seededRandom } from '../life/random.ts'
import { type Shard, shardOf, type Table } from './catalogue.ts'

/** What may go wrong with one statement. `after`: it has taken effect, and the client does not hear so. */
export type Trouble =
  | { readonly kind: 'drop'; readonly when: 'before' | 'after' }
  | { readonly kind: 'error'; readonly when: 'before' | 'after'; readonly text: string }
  /** The request to one shard fails: its rows are not written now, and could be the next time. */
  | { readonly kind: 'lost-shard' }
  /** All rows get new tokens, though nobody wrote them. */
  | { readonly kind: 'moved-primaries' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** It waits, and then runs. */
  | { readonly kind: 'held'; readonly until: Promise<unknown> }

/** Texts that mean: try again. */
export const RETRY_TEXTS = [
  'primary shard is not active',
  'Timed out waiting for [[indices:data/write]]',
  '[n1][127.0.0.1:4300] node disconnected',
  'rejected execution of coordinating operation',
  'exceeded retry limit',
] as const

const COMMON: readonly Trouble[] = [
  { kind: 'drop', when: 'before' },
  { kind: 'drop', when: 'after' },
  ...RETRY_TEXTS.flatMap((text): readonly Trouble[] => [
    { kind: 'error', when: 'before', text },
    { kind: 'error', when: 'after', text },
  ]),
  { kind: 'lost-shard' },
  { kind: 'moved-primaries' },
]

export interface Faults {
  /** Befalls one statement that matches (default: INSERT, UPDATE, DELETE), after `skip` others that match as well. */
  next(trouble: Trouble, options?: { readonly skip?: number; readonly matching?: RegExp }): void
  /** From now on each write (or what matches) is in trouble with this chance. The same seed gives the same troubles to the same statements. */
  random(options: {
    readonly seed: number
    readonly share: number
    readonly troubles?: readonly Trouble[]
    readonly matching?: RegExp
  }): void
  /** Nothing goes wrong any more. */
  calm(): void
  /** How often which kind befell a statement. */
  readonly happened: ReadonlyMap<Trouble['kind'], number>
}

export interface FaultSource extends Faults {
  /** Asked once for each statement, a group of binds counts as one. */
  befalls(text: string): Trouble | null
}

const WRITES = /^\s*(insert|update|delete)\b/i

export function newFaults(): FaultSource {
  const planned: { readonly trouble: Trouble; readonly matching: RegExp; skip: number }[] = []
  const happened = new Map<Trouble['kind'], number>()
  let byChance: ((text: string) => Trouble | null) | null = null

  function plannedFor(text: string): Trouble | null {
    const at = planned.findIndex(({ matching }) => matching.test(text))
    if (at === -1 || planned[at]!.skip-- > 0) return null
    return planned.splice(at, 1)[0]!.trouble
  }

  return {
    happened,
    next(trouble, { skip = 0, matching = WRITES } = {}) {
      planned.push({ trouble, matching, skip })
    },
    random({ seed, share, troubles = COMMON, matching = WRITES }) {
      const random = seededRandom(seed)
      byChance = (text) => (matching.test(text) && random.chance(share) ? random.pick(troubles) : null)
    },
    calm() {
      planned.length = 0
      byChance = null
    },
    befalls(text) {
      const trouble = plannedFor(text) ?? byChance?.(text) ?? null
      if (trouble !== null) happened.set(trouble.kind, (happened.get(trouble.kind) ?? 0) + 1)
      return trouble
    },
  }
}

/** Says of the rows of one statement which are lost: those in the shard of the first that asks. */
export function losingOneShard(): (table: Table, id: string) => boolean {
  let lost: Shard | undefined
  return (table, id) => {
    const shard = shardOf(table, id)
    lost ??= shard
    return shard === lost
  }
}
