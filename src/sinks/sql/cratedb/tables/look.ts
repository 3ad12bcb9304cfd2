import type { Plan } from '../../../tables/layout.ts'
import type { CrateRelation } from './relation.ts'

/** Whether what the catalogue said about a table still holds. */
export interface Look {
  onOutdated(): void
  /** The same plan, with `isOutdated`. */
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
