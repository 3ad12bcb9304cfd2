import { sql } from 'kysely'
import type { Change, ChangeSource } from '../../../../change.ts'
import { quotedElement } from '../rows/array-literal.ts'
import type { CrateRow, WrittenTable } from '../rows/written-table.ts'
import { type CrateRelation, primaryKeyOf } from './relation.ts'

/**
 * The key of a table whose source has none, where the relay made it: the place of the record in its stream. A batch that is
 * written again finds its rows there.
 */
export const ORIGIN = 'cdc_origin'

/** In a table that somebody else made there is no such key: its rows are only added, and those of a repeated batch, too. */
export function originKey(relation: CrateRelation): Pick<WrittenTable, 'keys' | 'keyColumns'> {
  if (!hasOrigin(relation)) return { keys: [], keyColumns: [] }
  const id = sql.id(ORIGIN)
  return {
    keys: [{ id, read: { asked: () => id, element: (answer) => quotedElement(String(answer)) } }],
    keyColumns: [{ name: ORIGIN, travelsAs: 'array(text)', castTo: null, elementOf: ({ tokens }) => tokens[0]! }],
  }
}

export const hasOrigin = (relation: CrateRelation): boolean => primaryKeyOf(relation)?.join() === ORIGIN

export function keylessRow(row: CrateRow, { keys }: WrittenTable, change: Change): CrateRow {
  if (keys.length === 0) return { ...row, change }
  const token = quotedElement(originOf(change.source))
  return { ...row, key: { text: token, tokens: [token] } }
}

/** No two rows of one record, if they are told apart by it. */
export function oncePerRecord(rows: readonly CrateRow[]): readonly CrateRow[] {
  const isKnown = rows[0]!.key.tokens.length > 0
  return isKnown ? [...new Map(rows.map((row) => [row.key.text, row])).values()] : rows
}

/** `stream/shard/sequence`, and `/sub-sequence` inside an aggregated record. Only the stream can have a slash in it. */
const originOf = ({ stream, shard, sequence, subSequence }: ChangeSource): string =>
  `${stream}/${shard}/${sequence}${subSequence === undefined ? '' : `/${subSequence}`}`
