import { readFile } from 'node:fs/promises'
import { type ServiceError, status } from '@grpc/grpc-js'
import { tableLabel } from '../../change.ts'
import { type ErrorContext, RelayError } from '../../errors.ts'
import { masker } from '../../mask.ts'
import type { GpssAddress, Password } from './address.ts'
import { type Channel, openChannel } from './channel.ts'
import { type GpssColumn, gpssColumn } from './columns.ts'
import { gpssFailure, isMissingTable, refusalsIn } from './failures.ts'
import { type EncodedRows, SESSION_BYTES } from './rows.ts'
import { METHODS, type Method } from './service.ts'

export interface GpssTable {
  readonly schema: string
  readonly name: string
}

/** What one load does: it inserts rows, in one transaction. */
export interface Load {
  readonly table: GpssTable
  /** The columns that are given, in the order of the values. */
  readonly columns: readonly string[]
  /** One at least: what GPSS makes of a load without rows is not documented. */
  readonly rows: EncodedRows
  /** SQL in front of the rows and behind them. Whether it belongs to their transaction is not documented. */
  readonly preSql?: string
  readonly postSql?: string
}

/**
 * `loaded`: all rows are durable. `unknown`: the connection was lost while the load was ended: either all rows are
 * durable or none, and they may still become so.
 */
export type Outcome = { readonly kind: 'loaded' } | { readonly kind: 'unknown'; readonly failure: RelayError }

/**
 * A session of GPSS. It has one load at a time; the calls of one are made one after another:
 *
 *     connect ──> idle ── open ──> loading ── write* ── close ──> idle
 *
 * After an error in any of them, or to give a load up, only `end` is left.
 */
export interface Session {
  /** In table order; null if there is no such table. */
  describe(table: GpssTable): Promise<readonly GpssColumn[] | null>
  open(load: Load): Promise<void>
  write(load: Load): Promise<void>
  close(load: Load): Promise<Outcome>
  /**
   * Ends the session and rolls a load back. (`Close` with `Abort` would do that, too, but servers before 1.10 do not
   * know `Abort`, and commit.) Never fails: false means that the server did not hear of it, and may keep the load and
   * its locks until the session's time is over.
   */
  end(): Promise<boolean>
  /** Ends another session, whose connection was lost. As `end`. */
  endOther(id: string): Promise<boolean>
  readonly id: string
}

const CONNECT_MS = 30_000
const END_MS = 5000
/** How many messages of refused rows a load asks for. */
const ERROR_ROWS = 5

/** @throws RelayError SINK_UNREACHABLE, SINK_LOGIN, CONFIGURATION, … */
export async function connectSession(address: GpssAddress): Promise<Session> {
  const { host, port, user, database } = address.greenplum
  const { sessionTimeoutSeconds, deadlineMs } = address
  const password = await passwordText(address.password)
  const channel = await openChannel(address)
  const place = { gpss: address.target, greenplum: `${host}:${port}` }
  const mask = masker([password])
  try {
    const request = { host, port, user, password, database, sessionTimeoutSeconds }
    const id = await ask(channel, METHODS.connect, request, Math.min(CONNECT_MS, deadlineMs), place, mask)
    if (id === '' || Buffer.byteLength(id) > SESSION_BYTES - 10) {
      throw new RelayError('SINK_FAILED', 'Connect answered without a session that can be used', place)
    }
    return sessionOn(channel, id, address, mask)
  } catch (error) {
    channel.close()
    throw error
  }
}

function sessionOn(channel: Channel, id: string, address: GpssAddress, mask: (text: string) => string): Session {
  const placeOf = (table: GpssTable): ErrorContext => ({ gpss: address.target, table: tableLabel(table) })
  const askOf = <Request, Response>(table: GpssTable, method: Method<Request, Response>, request: Request) =>
    ask(channel, method, request, address.deadlineMs, placeOf(table), mask)

  async function isEnded(session: string): Promise<boolean> {
    try {
      await channel.call(METHODS.disconnect, session, END_MS)
      return true
    } catch (error) {
      // An answer, whatever it says, comes from a server that has ended the session or does not know it.
      return !isUnheard(error as ServiceError)
    }
  }

  return {
    id,

    async describe(table) {
      const request = { session: id, schema: table.schema, table: table.name }
      try {
        const columns = await channel.call(METHODS.describeTable, request, address.deadlineMs)
        return columns.length === 0 ? null : columns.map(gpssColumn)
      } catch (error) {
        // Asked of the words as they came: the name of a table may have quotes in it.
        if (isMissingTable(error as ServiceError)) return null
        throw failureOf(error, METHODS.describeTable.name, placeOf(table), mask)
      }
    },

    async open({ table, columns, rows, preSql = '', postSql = '' }) {
      if (rows.count === 0) throw new Error('a load needs rows')
      const { stagingSchema } = address
      const target = { schema: table.schema, table: table.name, columns, preSql, postSql, stagingSchema }
      await askOf(table, METHODS.open, { session: id, ...target })
    },

    async write({ table, rows }) {
      for (const part of rows.parts) await askOf(table, METHODS.write, { session: id, rows: part })
    },

    async close({ table, rows }) {
      let stats: Awaited<ReturnType<typeof METHODS.close.decode>>
      try {
        stats = await askOf(table, METHODS.close, { session: id, maxErrorRows: ERROR_ROWS })
      } catch (error) {
        if (error instanceof RelayError && error.code === 'SINK_UNREACHABLE') return { kind: 'unknown', failure: error }
        throw error
      }
      const { successCount, errorCount, errorRows } = stats
      if (errorCount !== 0) {
        const reasons = refusalsIn(errorRows).map((words) => `: ${mask(words)}`)
        const detail = `Close says that ${errorCount} of ${rows.count} rows were left out${reasons.join('')}`
        throw new RelayError('SINK_REFUSED', detail, placeOf(table))
      }
      if (successCount !== rows.count) {
        const detail = `Close says that ${successCount} rows were loaded, but ${rows.count} were sent`
        throw new RelayError('SINK_FAILED', detail, placeOf(table))
      }
      return { kind: 'loaded' }
    },

    async end() {
      const isHeard = await isEnded(id)
      channel.close()
      return isHeard
    },

    endOther: isEnded,
  }
}

async function ask<Request, Response>(
  channel: Channel,
  method: Method<Request, Response>,
  request: Request,
  deadlineMs: number,
  place: ErrorContext,
  mask: (text: string) => string,
): Promise<Response> {
  try {
    return await channel.call(method, request, deadlineMs)
  } catch (error) {
    throw failureOf(error, method.name, place, mask)
  }
}

function failureOf(error: unknown, method: string, place: ErrorContext, mask: (text: string) => string): RelayError {
  return gpssFailure(error as ServiceError, method, place, mask)
}

const isUnheard = ({ code }: ServiceError): boolean =>
  code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED || code === status.CANCELLED

/** @throws RelayError CONFIGURATION if the file cannot be read */
async function passwordText(password: Password): Promise<string> {
  if ('text' in password) return password.text
  try {
    return (await readFile(password.file, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    throw new RelayError('CONFIGURATION', `The password-file of GPSS cannot be read: ${String(error)}`)
  }
}
