import type { Meaning } from './failures.ts'

/** What failed: a statement with rows, COMMIT, or anything else about a batch. */
export type Where = 'rows' | 'commit' | 'elsewhere'

/** How rows are written: all of a table in one go, or in parts, where that is refused, down to the row that is. */
export type Manner = 'together' | 'apart' | 'apart, with all constraints'

/** How a batch has fared until now. */
export interface Course {
  readonly manner: Manner
  /** True once the tables were looked at again because of an error. */
  readonly hasLooked: boolean
  /** Attempts at the batch that failed before this one. */
  readonly attemptsBefore: number
}

/**
 * What helps against an error; null if nothing does but trying again later, or an operator.
 *
 * What is about the table is looked at before rows are blamed: somebody may have altered it. The database does not say which
 * row of a statement it refused, so they are written apart. What is checked at COMMIT only (a constraint trigger that is
 * deferred) is checked with each part then.
 */
export function remedyFor({ blame, patience }: Meaning, where: Where, course: Course): Course | null {
  const { manner, hasLooked, attemptsBefore } = course
  const lookAgain: Course | null = hasLooked ? null : { ...course, manner: 'together', hasLooked: true }
  if (blame === 'target' || attemptsBefore < patience) return null
  if (blame === 'table' && lookAgain !== null) return lookAgain
  if (where === 'elsewhere') return null
  const next: Manner = where === 'commit' ? 'apart, with all constraints' : 'apart'
  if (manner === 'together' || (manner === 'apart' && next !== 'apart')) return { ...course, manner: next }
  // Written apart, no row was found that could be blamed.
  return blame === 'unknown' ? lookAgain : null
}
