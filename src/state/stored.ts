import type { Progress, Stored } from '../batch.ts'
import type { Position } from '../position.ts'

/** What is stored once `progress` is. Copies: what a process knows for long is a `KnownState`. */
export function advance(stored: Stored, progress: Progress): Stored {
  const next = new KnownState(stored)
  next.advance(progress)
  return next
}

/** What is stored, as the process knows it that alone moves it. A move costs what moves, not what is stored. */
export class KnownState implements Stored {
  readonly positions: Map<string, Position>
  readonly facts: Map<string, string>

  /** A copy, which nobody else sees change. */
  constructor({ positions, facts }: Stored) {
    this.positions = new Map(positions)
    this.facts = new Map(facts)
  }

  advance({ positions, forgotten, facts }: Progress): void {
    for (const [shard, position] of positions) this.positions.set(shard, position)
    for (const shard of forgotten) this.positions.delete(shard)
    for (const [subject, fact] of facts) this.facts.set(subject, fact)
  }

  /** As it is now, whatever moves later. */
  snapshot(): Stored {
    return { positions: new Map(this.positions), facts: new Map(this.facts) }
  }
}

/** What a claim found, without what it made of the settings. */
export const withoutSettings = ({ positions, facts }: Stored): Stored => ({ positions, facts })

/** True if both say the same: the same shards at the same sequence numbers, and the same facts. */
export function isSame(one: Stored, other: Stored): boolean {
  return (
    one.positions.size === other.positions.size &&
    one.facts.size === other.facts.size &&
    [...one.positions].every(([shard, { sequence }]) => other.positions.get(shard)?.sequence === sequence) &&
    [...one.facts].every(([subject, fact]) => other.facts.get(subject) === fact)
  )
}
