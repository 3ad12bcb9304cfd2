import { sql } from 'kysely'
import type { DeadLetter } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Batch, Written } from '../sink.ts'
import { type Database, inTransaction } from './connection.ts'
import { keepDeadLetters } from './dead-letters.ts'
import { lockKey } from './names.ts'
import type { TablePlan } from './planning.ts'
import { refuseTooMany, writeApart } from './refused-rows.ts'
import type { SchemaPolicy } from './schema-changes.ts'
import type { SqlState } from './state.ts'

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
  /** True to look for the rows that the target refuses, and to write the others. */
  readonly isolates: boolean
  readonly onError: 'dead-letter' | 'stop'
  /** Called before COMMIT is sent: if no answer comes, this is what was perhaps written. */
  readonly onCommit: (written: Written) => void
}

/**
 * One transaction: the tables, dead letters, and last the positions.
 *
 * @throws Fenced; RelayError SINK_REFUSED under `--on-error stop`
 */
export async function writeBatch(
  db: Database,
  state: SqlState,
  batch: Batch,
  plans: readonly TablePlan[],
  schema: SchemaPolicy,
  { takesTurns, isolates, onError, onCommit }: WriteOptions,
): Promise<Written> {
  return await inTransaction(db, async (trx) => {
    if (takesTurns) await takeTurns(trx, plans)
    const tables = new Map<string, { applied: number; superseded: number }>()
    const refused: DeadLetter[] = []
    for (const plan of plans) {
      const { table, group } = plan
      await schema.before(trx, table, group)
      const here = isolates
        ? await writeApart(trx, table, group.changes)
        : { applied: await plan.write(trx), refused: plan.refused }
      refuseTooMany(group, here.refused)
      refused.push(...here.refused)
      const superseded = group.changes.length - here.applied - here.refused.length
      tables.set(group.source, { applied: here.applied, superseded })
    }
    if (onError === 'stop' && refused.length > 0) throw asFailure(refused[0]!)
    await keepDeadLetters(trx, state.name(), [...batch.deadLetters, ...refused])
    const written: Written = { kind: 'written', ...schema.counted(tables), deadLettered: refused.length }
    if (!(await state.moveWithin(trx, batch.moves, batch.lessons))) throw new Fenced(written)
    onCommit(written)
    return written
  })
}

const asFailure = ({ detail, source: { shard, sequence } }: DeadLetter): RelayError =>
  new RelayError('SINK_REFUSED', detail, { shard, sequence })

/**
 * Waits for other writers of the same tables, all tables in one order, as the first statement: the tombstones that they
 * committed are then seen by the statements that follow.
 */
async function takeTurns(trx: Database, plans: readonly TablePlan[]): Promise<void> {
  if (plans.length === 0) return
  const keys = JSON.stringify(plans.map(({ table }) => lockKey('table', table.schema, table.name)))
  await sql`
    SELECT pg_advisory_xact_lock(key) FROM (
      SELECT key::bigint FROM jsonb_array_elements_text(${keys}::jsonb) AS key ORDER BY key::bigint
    ) keys`.execute(trx)
}
