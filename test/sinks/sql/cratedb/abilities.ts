import { keyColumnName, valueColumnName } from '../../../../src/sinks/sql/cratedb/tables/names.ts'
import type { SinkAbilities } from '../../conformance.ts'

const both: SinkAbilities = {
  bytesText: (bytes) => Buffer.from(bytes).toString('base64'),
  noTransactions: 'every statement is final',
  noOrder: 'rows lie in shards',
}
export const document: SinkAbilities = { ...both, columnOf: keyColumnName }
export const columns: SinkAbilities = {
  ...both,
  columnOf: valueColumnName,
  noNulls: 'to a column null and absent are one',
}
/** A layout has nothing to do with it: it is tried once. */
export const slowRefusal = 'the next heartbeat of the holder is waited for, 10 s'
