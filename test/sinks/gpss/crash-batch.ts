import type { Change } from '../../../src/change.ts'
import { del, put } from '../../support/changes.ts'

/** The changes of one batch, in two tables; some are of the batch before, and most keys are in no other: what is lost is missed. */
export function crashBatch(n: number): Change[] {
  return ['orders', 'others'].flatMap((table) =>
    [-3, 0, 1, 2, 3, 4].map((i) => {
      const version = n * 5 + i
      const parts = { table, sequence: `${n}` }
      const key = `k${Math.floor(version / 3)}`
      return version % 4 === 0 ? del(key, version, parts) : put(key, version, parts)
    }),
  )
}
