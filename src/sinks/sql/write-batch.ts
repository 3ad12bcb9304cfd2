import type { Batch, SetAsideColumns, Written } from '../../batch.ts'
import type { DeadLetter } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Database } from '../tables/database.ts'
import type { DoubtedColumns } from '../tables/doubted-columns.ts'
import { planAgain, type TablePlan } from '../tables/planning.ts'
import { refuseTooMany } from '../tables/refused.ts'
import type { SchemaPolicy } from '../tables/schema-changes.ts'
import { asideOf } from '../tables/set-aside.ts'
import { type AskOptions, askForRefused } from './ask-values.ts'
import type { Dialect } from './dialect.ts'
import { type WrittenRows, writePlan } from './refused-rows.ts'
import type { Manner } from './remedies.ts'
import type { BatchState } from './unclaimed-state.ts'
import { writeApart } from './write-apart.ts'

/** The positions of a batch could not move: it was rolled back. */
export class Fenced extends Error {
  /** What would have been written. */
  readonly written: Written

  constructor(written: Written) {
    super('the positions of the batch did not move')
    this.written = written
  }
}

export interface WriteOptions {
  /** True if the writers of a table must take turns: what one transaction buries, another sees only once that is committed. */
  readonly takesTurns: boolean
  readonly manner: Manner
  /** Attempts at the batch that failed before this one. */
  readonly attemptsBefore: number
  readonly doubted: DoubtedColumns
  readonly onError: 'dead-letter' | 'stop'
  /** Called before a table is written, and with null behind the last one: a failure in between is at this table. */
  readonly onTable: (source: string | null) => void
  /** Called before COMMIT is sent: if no answer comes, this is what was perhaps written. */
  readonly onCommit: (written: Written) => void
}

/**
 * One transaction, where there are such: the tables, dead letters, and last the positions.
 *
 * @throws Fenced; RowsFailure; RelayError TOO_MANY_REFUSED, SINK_REFUSED under `--on-error stop`
 */
export async function writeBatch(
  db: Database,
  dialect: Dialect,
  state: BatchState,
  batch: Batch,
  plans: readonly TablePlan[],
  schema: SchemaPolicy,
  options: WriteOptions,
): Promise<Written> {
  const { takesTurns, onError, onTable, onCommit } = options
  const { writing } = dialect
  const look = async (to: Database): Promise<void> =>
    state.look?.(
      to,
      plans.map(({ table }) => table.source),
    )
  return await writing.batch(db, async (to) => {
    if (takesTurns && plans.length > 0) {
      await writing.takeTurns(
        to,
        plans.map(({ table }) => table),
      )
    }
    await look(to)
    const tables = new Map<string, { applied: number; superseded: number }>()
    const setAside: [string, SetAsideColumns][] = []
    const refused: DeadLetter[] = []
    for (const plan of plans) {
      const { table, group } = plan
      onTable(group.source)
      await schema.beforeRows(group, (floor) => writing.sweep(to, table, floor))
      const here = await writeRows(to, dialect, plan, options)
      refuseTooMany(group, here)
      refused.push(...here.refused)
      setAside.push([group.source, here.setAside])
      const superseded = group.changes.length - here.applied - here.refused.length
      tables.set(group.source, { applied: here.applied, superseded })
    }
    onTable(null)
    if (onError === 'stop' && refused.length > 0) throw asFailure(refused[0]!)
    const letters = [...batch.deadLetters, ...refused]
    if (state.settleLetters === undefined) {
      await dialect.keepDeadLetters(to, state.name(), letters, state.look !== undefined)
    }
    // Where writers do not take turns, the tables may have changed under the rows: then they are written once more.
    if (!writing.undoesParts) await look(to)
    const written: Written = {
      kind: 'written',
      ...schema.counted(tables),
      deadLettered: refused.length,
      ...(refused.length > 0 && { refused }),
      ...asideOf(setAside),
    }
    const isDone = await (state.settleLetters?.(to, batch, letters) ?? state.moveWithin(to, batch))
    if (!isDone) throw new Fenced(written)
    onCommit(written)
    return written
  })
}

/** Of one table. */
async function writeRows(
  to: Database,
  { writing, failures }: Dialect,
  plan: TablePlan,
  { manner, attemptsBefore, doubted }: WriteOptions,
): Promise<WrittenRows> {
  const { table, group } = plan
  const asking: AskOptions = { failures, attemptsBefore, writing, doubted }
  const refuses = await askForRefused(to, asking, table, doubted.of(table), group.changes)
  if (manner !== 'together') {
    const apart = { ...asking, withConstraints: manner === 'apart, with all constraints' }
    return await writeApart(to, apart, table, group.changes, refuses)
  }
  return await writePlan(to, refuses === null ? plan : await planAgain(table, group.changes, refuses), asking)
}

const asFailure = ({ detail, source: { shard, sequence }, said }: DeadLetter): RelayError =>
  new RelayError('SINK_REFUSED', detail, { shard, sequence }, undefined, said?.())
