import type { Database } from './database.ts'
import { GpssFailure, pqFailure } from './failure.ts'
import {
  createStage,
  findDuplicate,
  forgetMatching,
  insertAll,
  insertRest,
  truncateTable,
  updateMatching,
} from './load-sql.ts'
import type { GpssSettings, Moment, Placement } from './settings.ts'
import { openStage, type Values } from './stage.ts'
import { resolveTarget, type Target } from './target.ts'
import { textOf } from './values.ts'
import { WireError } from './wire.ts'
import { type CloseRequest, type OpenRequest, Row, type TransferStats } from './wire-messages.ts'

/** A load of one session, from its Open on: one transaction, over with `close`. */
export interface Load {
  /** Over all sessions of the server, from 1. */
  readonly number: number
  /** How many Writes there were. */
  readonly writes: number
  /**
   * @param rows each one an encoded Row
   * @returns the number of values in each row; the least where they differ
   * @throws GpssFailure, and the load has failed
   */
  write(rows: readonly Uint8Array[]): Promise<number>
  /** The load has failed for a reason outside of its rows. */
  fail(failure: GpssFailure): Promise<void>
  /**
   * @param at called before and after the commit, if there is one
   * @throws GpssFailure nothing was loaded, unless it came from a PostSQL behind the commit
   */
  close(request: CloseRequest, at: (moment: Moment) => Promise<void>): Promise<TransferStats>
}

/**
 * Effects in the order of gpload: truncate, PreSQL, staging table.
 *
 * @param admit called with the database and table before anything is done; may throw
 * @throws GpssFailure nothing is open then
 */
export async function openLoad(
  db: Database,
  request: OpenRequest,
  settings: GpssSettings,
  number: number,
  admit: (into: string) => void,
): Promise<Load> {
  const target = await resolveTarget(db, request, settings)
  admit(`${db.name} ${target.schema}.${target.table}`)
  const preSql = settings.preSql ?? 'inside'
  await runSql(db, request.PreSQL, preSql, 'outside')
  await db.query('BEGIN')
  try {
    if (target.truncate) await db.query(truncateTable(target))
    await runSql(db, request.PreSQL, preSql, 'inside')
    await db.query(createStage(target))
  } catch (error) {
    await db.rollback()
    throw error
  }
  return startedLoad(db, target, request.PostSQL, settings, number)
}

/** Runs the client's SQL if its placement is on this side of the transaction. */
async function runSql(db: Database, text: string, placement: Placement, side: 'inside' | 'outside'): Promise<void> {
  if (text === '' || !placement.startsWith(side)) return
  await db.query(text)
  if (placement.endsWith('twice')) await db.query(text)
}

function startedLoad(db: Database, target: Target, postSql: string, settings: GpssSettings, number: number): Load {
  const { failedWrite = 'roll back', dataErrors = 'write' } = settings
  const stage = openStage(db, target, settings)
  let held: Values[] = []
  let writes = 0
  let failure: GpssFailure | null = null

  async function fail(error: GpssFailure): Promise<void> {
    failure = error
    if (failedWrite === 'roll back') await db.rollback()
  }

  async function write(rows: readonly Uint8Array[]): Promise<number> {
    writes++
    if (failure !== null) throw new GpssFailure(`the load has failed: ${failure.message}`)
    try {
      const values = rows.map((data, at) => decodeRow(data, at, target, settings))
      if (dataErrors === 'close') held.push(...values)
      else await stage.add(values)
      return values.reduce((least, { length }) => Math.min(least, length), values[0]?.length ?? 0)
    } catch (error) {
      if (error instanceof GpssFailure) await fail(error)
      throw error
    }
  }

  async function close(request: CloseRequest, at: (moment: Moment) => Promise<void>): Promise<TransferStats> {
    const none = { SuccessCount: 0n, ErrorCount: 0n, ErrorRows: [] }
    if (request.Abort && settings.abortIgnored !== true) {
      await db.rollback()
      return none
    }
    if (failure !== null && failedWrite === 'roll back') {
      if (settings.closeOfFailedLoad === 'error') throw new GpssFailure(`the load has failed: ${failure.message}`)
      return none
    }
    const affected = await commit(at)
    return {
      SuccessCount: BigInt(successCount(affected)),
      ErrorCount: BigInt(stage.errorRows.length),
      ErrorRows: stage.errorRows.slice(0, request.MaxErrorRows < 0 ? undefined : request.MaxErrorRows),
    }
  }

  /** @returns rows inserted or updated */
  async function commit(at: (moment: Moment) => Promise<void>): Promise<number> {
    const postSqlPlace = settings.postSql ?? 'inside'
    let affected: number
    try {
      if (writes === 0 && settings.emptyLoads === 'refuse') throw new GpssFailure('no rows were written')
      await stage.add(held)
      affected = await moveToTarget(db, target, settings.duplicates)
      await runSql(db, postSql, postSqlPlace, 'inside')
      await at('before commit')
      const { tag } = await db.query('COMMIT')
      if (tag !== 'COMMIT') throw pqFailure('could not complete operation in a failed transaction')
    } catch (error) {
      await db.rollback()
      throw error
    } finally {
      held = []
    }
    await at('after commit')
    await runSql(db, postSql, postSqlPlace, 'outside')
    return affected
  }

  function successCount(affected: number): number {
    if (target.mode === 'insert') return affected
    const { mergeSuccessCount = 'staged' } = settings
    return { staged: stage.rows, affected, zero: 0 }[mergeSuccessCount]
  }

  return {
    number,
    get writes() {
      return writes
    },
    write,
    fail,
    close,
  }
}

/** @throws GpssFailure bytes that are no Row, or a value that its column does not take: no error limit covers that */
function decodeRow(data: Uint8Array, at: number, target: Target, { strictTypes = true }: GpssSettings): Values {
  try {
    const { Columns } = Row.decode(data)
    // Values too many are kept, to be counted.
    return Columns.map(({ DBType }, column) =>
      column < target.columns.length ? textOf(DBType, target.columns[column]!, strictTypes) : null,
    )
  } catch (cause) {
    if (cause instanceof WireError) throw new GpssFailure(`row ${at + 1} of the message is no Row: ${cause.message}`)
    throw cause
  }
}

/** @returns rows inserted or updated */
async function moveToTarget(db: Database, target: Target, duplicates: GpssSettings['duplicates']): Promise<number> {
  if (target.mode === 'insert') return (await db.query(insertAll(target))).count
  if (duplicates === 'strict' && (await db.query(findDuplicate(target))).rows.length > 0) {
    throw pqFailure('two rows of one load have the same match columns')
  }
  const updated = (await db.query(updateMatching(target, duplicates))).count
  if (target.mode === 'update') return updated
  await db.query(forgetMatching(target))
  return updated + (await db.query(insertRest(target, duplicates))).count
}
