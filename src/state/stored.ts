import type { Stored } from '../batch.ts'

/** What is stored once `news` is: of each shard and each subject the newest. */
export function merge(older: Stored, { positions, facts }: Stored): Stored {
  return {
    positions: positions.size === 0 ? older.positions : new Map([...older.positions, ...positions]),
    facts: facts.size === 0 ? older.facts : new Map([...older.facts, ...facts]),
  }
}

/** True if both say the same: the same shards at the same sequence numbers, and the same facts. */
export function isSame(one: Stored, other: Stored): boolean {
  return (
    one.positions.size === other.positions.size &&
    one.facts.size === other.facts.size &&
    [...one.positions].every(([shard, { sequence }]) => other.positions.get(shard)?.sequence === sequence) &&
    [...one.facts].every(([subject, fact]) => other.facts.get(subject) === fact)
  )
}
