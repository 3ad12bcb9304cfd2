import { sql } from 'kysely'
import type { Codec } from '../../../tables/codecs/codec.ts'
import type { KeyColumn } from '../../../tables/target.ts'
import { type CrateRelation, columnNamed } from '../tables/relation.ts'
import { readBackOf } from './read-back.ts'
import type { WrittenTable } from './written-table.ts'

/** A key of columns of its own. */
export function plainKeys(
  keys: readonly (KeyColumn & Codec)[],
  relation: CrateRelation,
): Pick<WrittenTable, 'keys' | 'keyColumns'> {
  return {
    keys: keys.map((key) => ({ id: sql.id(key.column), read: readBackOf(columnNamed(relation, key.column), key) })),
    keyColumns: keys.map(({ column, travelsAs, castTo }, i) => ({
      name: column,
      travelsAs,
      castTo,
      elementOf: ({ tokens }) => tokens[i]!,
    })),
  }
}
