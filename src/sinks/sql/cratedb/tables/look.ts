import type { Plan } from '../../../tables/layout.ts'
import type { CrateRelation } from './relation.ts'

/** What a look at a table told, for as long as nothing says otherwise. */
export interface Look {
  onOutdated(): void
  /** The same plan, which says so. */
  of<To>(plan: Plan<To>): Plan<To>
}

export function newLook({ columns }: Pick<CrateRelation, 'columns'>): Look {
  let isOutdated = false
  return {
    onOutdated() {
      isOutdated = true
    },
    of: (plan) => ({
      ...plan,
      isOutdated: () => isOutdated || columns.some(({ object }) => object?.isOutdated === true),
    }),
  }
}
