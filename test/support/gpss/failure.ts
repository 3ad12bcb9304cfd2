import { status } from '@grpc/grpc-js'
import pg from 'pg'

/** A call that ends with a status other than OK. */
export class GpssFailure extends Error {
  readonly code: number
  /** Of an error of the database. */
  readonly sqlState: string | undefined

  /** @param code INTERNAL, as every failure that was seen in the field, unless something else is known */
  constructor(message: string, code: number = status.INTERNAL, sqlState?: string) {
    super(message)
    this.code = code
    this.sqlState = sqlState
  }
}

/** The call is never answered: the connection, or the whole server, is gone. */
export class NoAnswer extends Error {}

/** Every database error has this in front: the real server's driver for PostgreSQL puts it there. */
export function pqFailure(message: string, sqlState?: string): GpssFailure {
  return new GpssFailure(`pq: ${message}`, status.INTERNAL, sqlState)
}

/** Behind the errors of Greenplum's segments. */
export const SEGMENT_SUFFIX = '  (seg0 slice1 127.0.0.1:6000 pid=1)'

/** @param onSegments whether data errors name the segment that they come from */
export function databaseFailure(error: unknown, onSegments: boolean): unknown {
  if (error instanceof GpssFailure || error instanceof NoAnswer) return error
  if (error instanceof pg.DatabaseError) {
    return pqFailure(error.message + (onSegments && isDataError(error.code) ? SEGMENT_SUFFIX : ''), error.code)
  }
  // What the driver says once its connection is gone.
  return new GpssFailure('driver: bad connection')
}

/** Classes "data exception" and "integrity constraint violation". */
function isDataError(code: string | undefined): boolean {
  return code?.startsWith('22') === true || code?.startsWith('23') === true
}
