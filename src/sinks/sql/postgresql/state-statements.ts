import type { Facts } from '../../../batch.ts'
import type { Positions } from '../../../position.ts'
import type { Database } from '../../tables/database.ts'
import type { SchemaStep } from '../schema-steps.ts'

/** What differs between databases: both resolve to false if not all of it happened under the claim. */
export interface StateStatements {
  readonly steps: readonly SchemaStep[]
  /** Moves positions. @param before what was last read or written */
  move(trx: Database, held: HeldClaim, moves: Positions, before: Positions): Promise<boolean>
  keep(trx: Database, held: HeldClaim, facts: Facts): Promise<boolean>
}

/** A claim on a name, which is ours as long as `claim` and `owner` stand in the relay's row. */
export interface HeldClaim {
  readonly name: string
  /** bigint as text. */
  readonly claim: string
  readonly owner: string
}
