import { RelayError } from '../../../../errors.ts'
import type { Database } from '../../../tables/database.ts'
import { SilentRefusal } from '../failures.ts'
import { selectVersion } from './statements.ts'
import type { CrateRow, WrittenTable } from './written-table.ts'

/**
 * A row that was written alone is missing in the answer all the same, without an error. Before that counts as a refusal, its
 * place is read: where a shard is away, that says so, and what befalls the cluster makes no dead letters. Returns if a newer
 * row stands there: then it does not matter.
 *
 * @throws SilentRefusal; RelayError SINK_UNCLEAR if the row is there after all; what CrateDB says to who reads
 */
export async function requireSuperseded(to: Database, table: WrittenTable, row: CrateRow): Promise<void> {
  const { rows } = await selectVersion(table, row.key).execute(to)
  const held = table.keys.length === 0 ? null : (rows[0]?.v ?? null)
  if (held === null || BigInt(String(held)) < BigInt(row.version)) throw new SilentRefusal()
  if (String(held) !== row.version) return
  const detail = 'CrateDB left a row out of its answer that is there'
  throw new RelayError('SINK_UNCLEAR', detail, { table: table.target.source })
}
