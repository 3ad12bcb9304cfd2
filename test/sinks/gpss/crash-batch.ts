import type { Change } from '../../../src/change.ts'
import { del, put } from '../../support/changes.ts'

const KEYS = 7

/** The changes of one batch, in two tables; some of them are of the batch before. */
export function crashBatch(n: number): Change[] {
  return ['orders', 'others'].flatMap((table) =>
    [-3, 0, 1, 2, 3, 4].map((i) => {
      const version = n * 5 + i
      const parts = { table, sequence: `${n}` }
      return version % 4 === 0 ? del(`k${version % KEYS}`, version, parts) : put(`k${version % KEYS}`, version, parts)
    }),
  )
}
