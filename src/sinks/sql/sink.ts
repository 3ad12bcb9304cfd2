import type { TableName } from '../../change.ts'
import type { Log } from '../../observe/log.ts'
import type { Batch, Rewound, Sink, Write, Written } from '../sink.ts'
import { appendLog } from './append.ts'
import { type Connection, connect } from './connection.ts'
import { isTableFailure, placeOfBatch, sqlFailure } from './failures.ts'
import type { Layout } from './layout.ts'
import { documentMirror } from './mirror.ts'
import { groupByTable, isUpToDate, learnAndPlan, planTables, type TablePlan } from './planning.ts'
import { type SqlState, sqlState } from './state.ts'
import { type Tables, targetTables } from './tables.ts'
import { type Pruner, tombstonePruner } from './tombstones.ts'
import { Fenced, writeBatch } from './write-batch.ts'

export interface SqlSinkOptions {
  /** `postgresql://…`, where `?schema=` names the schema of tables that name none, or `pglite:DIR`. */
  readonly url: string
  readonly mode: 'mirror' | 'append'
  readonly layout: 'document'
  readonly deletes: 'hard' | 'soft'
  readonly createTables: 'auto' | 'never'
  /** Tombstones stay for the stream's retention and a day, or for this if it is longer. */
  readonly tombstoneTtlMs: number | undefined
  /** How long the stream keeps a record; null where that is not a question. */
  readonly retentionMs: number | null
  /** Where the operator wants a table; null: its own name. */
  readonly routes: (table: TableName) => TableName | null
  readonly log: Log
}

/**
 * Writes to PostgreSQL, or PGlite: rows, dead letters and positions of a batch in one transaction, so that each record
 * takes effect exactly once. The target is its own state store.
 */
export function sqlSink(options: SqlSinkOptions): Sink {
  const layout = layoutOf(options)
  let opened: Opened | undefined
  let writing: Promise<unknown> = Promise.resolve()
  let closed: Promise<void> | undefined

  return {
    refusesNul: true,
    readsBefore: options.mode === 'append',

    async open(claim, signal) {
      try {
        opened ??= await openTarget(options, layout)
        const positions = await opened.state.claim(claim, signal)
        await opened.tables.load(claim.relay.name)
        return positions
      } catch (error) {
        throw sqlFailure(error)
      }
    },

    prepare(batch) {
      if (opened === undefined) throw new Error('the sink must be opened first')
      const write = prepareBatch(opened, layout, batch)
      return (signal) => {
        const result = write(signal)
        writing = result.catch(() => {})
        return result
      }
    },

    close() {
      closed ??= writing.then(() => opened?.connection.close())
      return closed
    },
  }
}

interface Opened {
  readonly connection: Connection
  readonly state: SqlState
  readonly tables: Tables
  readonly pruner: Pruner
}

async function openTarget(options: SqlSinkOptions, layout: Layout): Promise<Opened> {
  const { url, routes, createTables, log } = options
  const connection = await connect(url)
  const defaultSchema = connection.schema ?? 'public'
  return {
    connection,
    state: sqlState(connection),
    tables: targetTables({ db: connection.db, layout, routes, defaultSchema, createTables, log }),
    pruner: tombstonePruner(connection.db, options.retentionMs, options.tombstoneTtlMs ?? 0),
  }
}

function layoutOf({ mode, layout, deletes }: SqlSinkOptions): Layout {
  if (mode === 'append') return appendLog()
  switch (layout) {
    case 'document':
      return documentMirror(deletes)
  }
}

/** Plans at once, as far as the tables are known; what is returned writes, as often as it takes. */
function prepareBatch({ connection, state, tables, pruner }: Opened, layout: Layout, batch: Batch): Write {
  const setBacks = state.setBacks()
  const groups = groupByTable(batch.changes)
  const ahead = planTables(layout, tables, groups)
  ahead.catch(() => {}) // a key that does not fit: said by the write, since what comes before it is still being written
  let plans: TablePlan[] | undefined
  /** What an attempt had done when it sent a COMMIT that perhaps nobody answered. */
  let unanswered: Written | undefined

  async function attempt(signal: AbortSignal): Promise<Written | Rewound> {
    // Prepared before the target was set back: of records that are read again.
    if (setBacks !== state.setBacks()) return { kind: 'rewound', positions: state.positions() }
    await state.keepLock()
    plans ??= await ahead
    if (plans === undefined || !isUpToDate(plans, tables)) plans = await learnAndPlan(layout, tables, groups)
    if (layout.hasTombstones) await pruner.pruneDue(state.name(), plans)
    try {
      const written = await writeBatch(connection.db, state, layout, batch, plans, (written) => {
        unanswered ??= written
      })
      state.moved(batch.moves)
      return written
    } catch (error) {
      if (!(error instanceof Fenced)) throw error
      const positions = await state.settle(batch.moves, signal)
      return positions === null ? (unanswered ?? error.written) : { kind: 'rewound', positions }
    }
  }

  return async (signal) => {
    try {
      return await attempt(signal).catch((error: unknown) => {
        if (!isTableFailure(error)) throw error
        // The tables are not what they were taken for: they are looked at once more, which says what is wrong with them.
        tables.forget()
        return attempt(signal)
      })
    } catch (error) {
      throw sqlFailure(error, placeOfBatch(batch))
    }
  }
}
