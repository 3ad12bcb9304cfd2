import { createHash } from 'node:crypto'

/** A key for PostgreSQL's advisory locks, bigint as decimal text; the same for the same parts in every process. */
export function lockKey(kind: 'relay' | 'table' | 'ddl' | 'dead letters', ...parts: readonly string[]): string {
  const digest = createHash('sha256')
    .update(JSON.stringify(['cdc_relay', kind, ...parts]))
    .digest()
  return digest.readBigInt64BE(0).toString()
}
