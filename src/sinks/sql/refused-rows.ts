import type { SetAsideColumns } from '../../batch.ts'
import type { Change, DeadLetter } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Database } from '../tables/database.ts'
import type { Plan } from '../tables/layout.ts'
import type { RefusedRows } from '../tables/refused.ts'
import { type ErrorMeanings, type Meaning, saidBy } from './failures.ts'

/** A statement with rows failed. */
export class RowsFailure extends Error {
  /** What the driver threw. */
  readonly error: Error

  constructor(error: Error) {
    super('a statement with rows failed')
    this.error = error
  }
}

/** What became of the changes of a table. The others were superseded. */
export interface WrittenRows extends RefusedRows {
  readonly applied: number
  readonly setAside: SetAsideColumns
}

/** What decides whether an error may be about a row. */
export interface Blaming {
  readonly failures: ErrorMeanings
  /** Attempts at the batch that failed before this one. */
  readonly attemptsBefore: number
}

/** Writes what is planned, and collects what the target refuses without undoing the rest. @throws RowsFailure */
export async function writePlan(to: Database, plan: Plan, blaming: Blaming): Promise<WrittenRows> {
  const refused: DeadLetter[] = [...plan.refused]
  const doubtful: DeadLetter[] = []
  const applied = await ofRows(() =>
    plan.write(to, (change, error) => {
      if (!(error instanceof Error) || suspicionOf(error, blaming) === null) throw error
      const { letter, isDoubtful } = rejectionOf(change, error, blaming.failures)
      refused.push(letter)
      if (isDoubtful) doubtful.push(letter)
    }),
  )
  const setAside = plan.aside.counted(refused.flatMap(({ change = [] }) => change))
  return { applied, refused, doubtful, setAside }
}

/** @throws RowsFailure for what the database or its driver throws */
export async function ofRows<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof Error && !(error instanceof RelayError) ? new RowsFailure(error) : error
  }
}

/** What rows may be suspected of; null if the error is about something else. */
export function suspicionOf(error: unknown, { failures, attemptsBefore }: Blaming): Meaning | null {
  const thrown = error instanceof RowsFailure ? error.error : error
  if (!(thrown instanceof Error) || thrown instanceof RelayError) return null
  const meaning = failures.meaning(thrown)
  return meaning.blame === 'target' || attemptsBefore < meaning.patience ? null : meaning
}

export function rejectionOf(
  change: Change,
  error: Error,
  failures: ErrorMeanings,
): { letter: DeadLetter; isDoubtful: boolean } {
  return {
    letter: {
      kind: 'dead-letter',
      code: 'SINK_REFUSED',
      detail: failures.refusal(error),
      change,
      source: change.source,
      said: () => saidBy(error),
    },
    isDoubtful: failures.meaning(error).blame !== 'row',
  }
}
