import { RelayError } from '../../../../errors.ts'

/**
 * The row that an INSERT returns. Where the request to a shard fails, CrateDB leaves its rows out of the answer, without an
 * error; they can be written the next time.
 *
 * @throws RelayError SINK_UNREACHABLE
 */
export function theRow<T>(rows: readonly T[], table: string): T {
  const [row] = rows
  if (row !== undefined) return row
  throw notWritten(1, table)
}

export function notWritten(count: number, table: string): RelayError {
  const detail = `CrateDB did not write ${count} ${count === 1 ? 'row' : 'rows'} of ${table}, and gave no reason: a shard may be unavailable`
  return new RelayError('SINK_UNREACHABLE', detail)
}
