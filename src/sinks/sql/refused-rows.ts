import type { Change, DeadLetter } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { SetAsideColumns } from '../sink.ts'
import type { Database } from './connection.ts'
import type { Dialect } from './dialect.ts'
import { refusalOf } from './failures.ts'
import type { Plan, TargetTable } from './layout.ts'
import type { Group } from './planning.ts'
import { sumAside } from './set-aside.ts'

/** So many rows of a table may be refused in one batch; beyond, if they are most of them, the table is wrong, and not the rows. */
const MOST_REFUSED = 20

interface WrittenApart {
  readonly applied: number
  readonly refused: readonly DeadLetter[]
  readonly setAside: SetAsideColumns
}

/**
 * Writes the changes of one table, and finds those that the target refuses: the database does not say which row of a
 * statement it was, so what fails is halved until one change is left. Order is kept: a half comes after the one before it.
 */
export async function writeApart(
  to: Database,
  { writing, failures }: Pick<Dialect, 'writing' | 'failures'>,
  table: TargetTable,
  changes: readonly Change[],
  depth = 0,
): Promise<WrittenApart> {
  const plan = await table.plan(changes)
  if (plan === null) throw new Error(`Table ${table.source} was planned before and cannot be now`)
  try {
    return await writing.part(to, depth, () => writePlan(to, plan, failures))
  } catch (error) {
    const refusal = refusalOf(error, failures)
    if (refusal === null) throw error
    if (changes.length === 1) return { applied: 0, refused: [deadLetterOf(changes[0]!, refusal)], setAside: new Map() }
    const middle = changes.length >> 1
    const half = (changes: readonly Change[]) => writeApart(to, { writing, failures }, table, changes, depth + 1)
    const first = await half(changes.slice(0, middle))
    const second = await half(changes.slice(middle))
    return {
      applied: first.applied + second.applied,
      refused: [...first.refused, ...second.refused],
      setAside: sumAside(first.setAside, second.setAside),
    }
  }
}

/** Writes what is planned, and collects what the target refuses without undoing the rest. */
export async function writePlan(to: Database, plan: Plan, failures: Dialect['failures']): Promise<WrittenApart> {
  const refused: DeadLetter[] = [...plan.refused]
  const applied = await plan.write(to, (change, error) => {
    const refusal = refusalOf(error, failures)
    if (refusal === null) throw error
    refused.push(deadLetterOf(change, refusal))
  })
  const setAside = plan.aside.counted(refused.flatMap(({ change = [] }) => change))
  return { applied, refused, setAside }
}

const deadLetterOf = (change: Change, detail: string): DeadLetter => ({
  kind: 'dead-letter',
  code: 'SINK_REFUSED',
  detail,
  change,
  source: change.source,
})

/** @throws RelayError TOO_MANY_REFUSED */
export function refuseTooMany({ source, changes }: Group, refused: readonly DeadLetter[]): void {
  if (refused.length <= MOST_REFUSED || refused.length * 2 <= changes.length) return
  const { shard, sequence } = refused[0]!.source
  const detail = `${refused.length} of ${changes.length} changes of one batch cannot be written, the first because: ${refused[0]!.detail}`
  throw new RelayError('TOO_MANY_REFUSED', detail, { table: source, shard, sequence })
}
