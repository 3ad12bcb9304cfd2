import type { Progress, Stored } from '../batch.ts'
import { advance, isSame } from './stored.ts'

/** Who holds a name. */
export interface Holding {
  /** Goes up with each process that takes the name. */
  readonly claim: number | bigint
  /** Random id of the process. */
  readonly owner: string
  /** Goes up with each move, where the store counts them. */
  readonly revision?: number
}

/** What we last read or wrote. */
export interface Ours extends Holding {
  readonly stored: Stored
}

/** What the store holds now. */
export interface Found extends Holding {
  /** Null where it was not read, because the claim is not ours. */
  readonly stored: Stored | null
}

/**
 * - `moved`: the store holds the progress, and all that we knew. The answer to the move was lost.
 * - `further`: the store holds an earlier move of ours whose answer was lost, but not the progress: move again.
 * - `held`: another process claimed the name after us, or beside us. Nothing of ours moves any more.
 * - `rewound`: the store was restored, or failed over, to something older: claim again, and go on from what it holds.
 */
export type Verdict = 'moved' | 'further' | 'held' | 'rewound'

/** True if what the store holds was written under our present claim. */
export const isOurs = (found: Holding, { claim, owner }: Holding): boolean =>
  found.owner === owner && found.claim === claim

/** What became of `progress` that the store did not take, or did not answer: the one decision of every store. */
export function verdict(found: Found, ours: Ours, progress: Progress): Verdict {
  if (found.owner !== ours.owner && found.claim >= ours.claim) return 'held'
  // A higher claim of our own counts as that, too: the answer to claiming again was lost.
  if (!isOurs(found, ours) || found.stored === null) return 'rewound'
  if (isSame(found.stored, advance(ours.stored, progress))) return 'moved'
  return (found.revision ?? 0) > (ours.revision ?? 0) ? 'further' : 'rewound'
}
