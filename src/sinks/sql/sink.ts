import type { Batch, Opening, Rewound, Written } from '../../batch.ts'
import type { Env } from '../../env.ts'
import { RelayError } from '../../errors.ts'
import type { Sink, Write } from '../sink.ts'
import { DoubtedColumns } from '../tables/doubted-columns.ts'
import type { Layout } from '../tables/layout.ts'
import { placeOfBatch } from '../tables/place-of-batch.ts'
import { type Group, groupByTable, isUpToDate, learnAndPlan, planTables, type TablePlan } from '../tables/planning.ts'
import { DEFAULT_RULES, layoutFor, type TargetRules } from '../tables/rules.ts'
import { schemaPolicy } from '../tables/schema-changes.ts'
import { type Tables, targetTables } from '../tables/tables.ts'
import { askerOf } from './advice.ts'
import { connect } from './connect.ts'
import type { Connection } from './connection.ts'
import type { Dialect } from './dialect.ts'
import { dialectOf } from './dialect-of.ts'
import { bySqlState, sqlFailure } from './failures.ts'
import { type Pruner, tombstonePruner } from './prune.ts'
import { RowsFailure } from './refused-rows.ts'
import { type Course, remedyFor, type Where } from './remedies.ts'
import type { SqlState } from './state.ts'
import { type BatchState, Outdated, type UnclaimedState, unclaimedState } from './unclaimed-state.ts'
import { Fenced, writeBatch } from './write-batch.ts'

export interface SqlSinkOptions extends Partial<TargetRules> {
  /** `postgresql://…`, `greenplum://…`, where `?schema=` names the schema of tables that name none, `crate://…`, or `pglite:DIR`. */
  readonly url: string
  /** A file with the password; absent: of the URL, `PGPASSWORD` or libpq's own file. */
  readonly passwordFile?: string | undefined
  /** For `PGUSER` in advice, and `PGPASSWORD` of `crate://…`; node-postgres reads the variables of libpq itself. */
  readonly env?: Env | undefined
  /** Null: as the database can, which is the default. */
  readonly deletes?: 'hard' | 'soft' | null
  /** Tombstones stay for the stream's retention and a day, or for this if it is longer. */
  readonly tombstoneTtlMs?: number | undefined
  /** How long the stream keeps a record; null, by default, where that is not a question. */
  readonly retentionMs?: number | null
}

type Settings = TargetRules & SqlSinkOptions

/**
 * Writes to a SQL database, in its dialect: rows, dead letters and positions of a batch in one transaction where there are
 * such, so that each record takes effect exactly once; else the positions last. The target is its own state store.
 */
export function sqlSink(given: SqlSinkOptions): Sink {
  const options: Settings = { ...DEFAULT_RULES, ...given }
  let target: Target | undefined
  let opened: Opened | undefined
  let writing: Promise<unknown> = Promise.resolve()
  let closed: Promise<void> | undefined
  const isMirror = options.mode === 'mirror'
  const asker = askerOf(options.url, options.env)

  return {
    get refusesNul() {
      return opened?.dialect.keepsNul !== true
    },
    refusesHalves: true,
    readsBefore: !isMirror,
    needsKeys: isMirror,

    async open(opening, signal) {
      try {
        target ??= await openTarget(options, opening.positions === 'engine')
        const name = await openName(target, options, opening, signal)
        await target.tables.load(opening.relay.name)
        opened = { ...target, ...name }
        return name.state.stored()
      } catch (error) {
        throw sqlFailure(error, target?.dialect.failures ?? bySqlState, {}, asker)
      }
    },

    async readFacts() {
      try {
        const { unclaimed } = requireOpen(opened)
        if (unclaimed === null) throw new Error('the facts of a claimed name are known')
        return await unclaimed.readFacts()
      } catch (error) {
        throw sqlFailure(error, target?.dialect.failures ?? bySqlState, {}, asker)
      }
    },

    async keyColumns(table) {
      try {
        return await requireOpen(opened).tables.keyColumns(table)
      } catch (error) {
        throw sqlFailure(error, target?.dialect.failures ?? bySqlState, {}, asker)
      }
    },

    prepare(batch) {
      const write = prepareBatch(requireOpen(opened), options, batch)
      return (signal) => {
        const result = write(signal)
        writing = result.catch(() => {})
        return result
      }
    },

    close() {
      closed ??= writing.then(async () => {
        await target?.claimed.close()
        await target?.connection.close()
      })
      return closed
    },
  }
}

interface Target {
  readonly connection: Connection
  readonly dialect: Dialect
  /** For a name that is claimed. */
  readonly claimed: SqlState
  readonly tables: Tables
  readonly pruner: Pruner
  readonly doubted: DoubtedColumns
}

/** The relay's name in it. */
interface OpenedName {
  readonly state: BatchState
  /** The same, for a name that nobody claims; else null. */
  readonly unclaimed: UnclaimedState | null
}

interface Opened extends Target, OpenedName {}

function requireOpen(opened: Opened | undefined): Opened {
  if (opened === undefined) throw new Error('the sink must be opened first')
  return opened
}

/** @param isShared true if no process has the target's tables for itself */
async function openTarget(options: Settings, isShared: boolean): Promise<Target> {
  const connection = await connect(options.url, options.passwordFile, options.env)
  try {
    const dialect = await dialectOf(connection, options.log)
    const deletes = deletesOf(options, dialect)
    return {
      connection,
      dialect,
      claimed: dialect.state(connection, options.log),
      tables: targetTables({
        rules: options,
        catalogue: dialect.catalogue(connection),
        names: dialect.names,
        layoutOf: layoutsOf(options, dialect, connection, deletes, isShared),
        defaultSchema: connection.schema ?? dialect.defaultSchema,
      }),
      pruner: tombstonePruner(connection.db, dialect, options.retentionMs ?? null, options.tombstoneTtlMs ?? 0),
      doubted: new DoubtedColumns(),
    }
  } catch (error) {
    await connection.close()
    throw error
  }
}

async function openName(
  { dialect, connection, claimed }: Target,
  { mode }: Settings,
  opening: Opening,
  signal: AbortSignal,
): Promise<OpenedName> {
  if (opening.positions !== 'engine') {
    await claimed.claim(opening, signal)
    return { state: claimed, unclaimed: null }
  }
  const shared = dialect.sharedState(connection)
  const unclaimed = unclaimedState(shared, opening, await shared.join(opening), mode === 'mirror')
  return { state: unclaimed, unclaimed }
}

/** @throws RelayError CONFIGURATION */
function deletesOf({ deletes = null, mode }: Settings, { title, deletes: able }: Dialect): 'hard' | 'soft' {
  if (deletes === null || mode === 'append') return able[0]
  if ((able as readonly string[]).includes(deletes)) return deletes
  const detail = `--deletes ${deletes} is not possible with ${title}, which cannot take a row away and remember it in one step: it is always ${able[0]}`
  throw new RelayError('CONFIGURATION', detail)
}

function layoutsOf(
  rules: Settings,
  dialect: Dialect,
  connection: Connection,
  deletes: 'hard' | 'soft',
  isShared: boolean,
): (hasDefinition: boolean) => Layout {
  if (rules.mode === 'append') {
    const log = dialect.append(isShared)
    return () => log
  }
  const mirrors = dialect.mirrors(connection, deletes, rules.declaredTypes)
  return (hasDefinition) => mirrors[layoutFor(rules, hasDefinition)]
}

const tablesOf = (plans: readonly TablePlan[] = []) => plans.map(({ table: { schema, name } }) => ({ schema, name }))

/** Plans at once, as far as the tables are known; what is returned writes, as often as it takes. */
function prepareBatch(
  { connection, dialect, state, unclaimed, tables, pruner, doubted }: Opened,
  options: Settings,
  batch: Batch,
): Write {
  const isMirror = options.mode === 'mirror'
  const { failures } = dialect
  const rewinds = state.rewinds()
  const groupsNow = (): Group[] => groupByTable(unclaimed?.withFloors(batch) ?? batch, isMirror)
  let groups = groupsNow()
  const ahead = planTables(tables, groups)
  ahead.catch(() => {}) // a key of other columns: said by the write, since what comes before it is still being written
  let plans: TablePlan[] | undefined
  /** What the last attempt that sent COMMIT had done: perhaps nobody answered. An earlier one was not committed, or the fence would have said so. */
  let unanswered: Written | undefined

  /** Calls of the write that failed. */
  let attemptsBefore = 0

  async function attempt(signal: AbortSignal, { manner }: Course): Promise<Written | Rewound> {
    // Prepared before the target was rewound: of records that are read again.
    if (rewinds !== state.rewinds()) return { kind: 'rewound', ...state.stored() }
    await state.keepLock()
    const schema = schemaPolicy(options, groups)
    plans ??= await ahead
    if (plans === undefined || !isUpToDate(plans, tables)) plans = await learnAndPlan(tables, groups)
    await pruner.pruneDue(state.name(), plans)
    let isCommitting = false
    try {
      const written = await writeBatch(connection.db, dialect, state, batch, plans, schema, {
        takesTurns: isMirror || unclaimed !== null,
        manner,
        attemptsBefore,
        doubted,
        onError: options.onError,
        onCommit: (written) => {
          unanswered = written
          isCommitting = true
        },
      })
      state.moved(batch)
      if (plans.some((plan) => plan.isOutdated?.())) tables.forget()
      const facts = unclaimed?.newFacts() ?? null
      return facts === null ? written : { ...written, facts }
    } catch (error) {
      if (isCommitting) throw new CommitFailure(error)
      if (!(error instanceof Fenced)) throw error
      const older = await state.settle(batch, signal)
      return older === null ? (unanswered ?? error.written) : { kind: 'rewound', ...older }
    }
  }

  /** Another process of the name learned something of the tables: planned once more, from that. */
  async function planFrom(outdated: Outdated): Promise<void> {
    await unclaimed?.catchUp(outdated)
    await tables.load(state.name())
    groups = groupsNow()
    plans = await learnAndPlan(tables, groups)
  }

  return async (signal) => {
    let course: Course = { manner: 'together', hasLooked: false, attemptsBefore }
    for (;;) {
      try {
        return await attempt(signal, course)
      } catch (thrown) {
        if (thrown instanceof Outdated) {
          await planFrom(thrown)
          continue
        }
        const { where, error } = causeOf(thrown)
        const remedy = isOfTarget(error) ? remedyFor(failures.meaning(error), where, course) : null
        if (remedy === null) {
          attemptsBefore++
          throw sqlFailure(error, failures, placeOfBatch(batch), {
            ...askerOf(options.url, options.env),
            tables: tablesOf(plans),
          })
        }
        // Looked at once more, the tables say what is wrong with them.
        if (remedy.hasLooked && !course.hasLooked) tables.forget()
        course = remedy
      }
    }
  }
}

/** What the database or its driver threw. */
const isOfTarget = (error: unknown): error is Error =>
  error instanceof Error && !(error instanceof RelayError) && error.name !== 'AbortError'

/** COMMIT failed. */
class CommitFailure extends Error {
  readonly error: unknown

  constructor(error: unknown) {
    super('COMMIT failed')
    this.error = error
  }
}

function causeOf(thrown: unknown): { where: Where; error: unknown } {
  if (thrown instanceof RowsFailure) return { where: 'rows', error: thrown.error }
  if (thrown instanceof CommitFailure) return { where: 'commit', error: thrown.error }
  return { where: 'elsewhere', error: thrown }
}
