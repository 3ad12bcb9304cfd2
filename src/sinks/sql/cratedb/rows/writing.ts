import type { Writing } from '../../dialect.ts'
import { sweep } from './sweep.ts'

/**
 * Every statement is final. So a batch is its steps in their order, the positions last: after a crash between two it is
 * written again, and leaves what it left before, since each row is written by its version. For the same reason writers of
 * a table need not take turns, and what is left of a part that failed does no harm.
 */
export const finalWriting: Writing = {
  batch: (db, work) => work(db),
  takeTurns: async () => {},
  part: (_to, _depth, work) => work(),
  undoesParts: false,
  sweep,
}
