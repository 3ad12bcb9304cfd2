import { sql } from 'kysely'
import type { Statement } from '../../tables/database.ts'
import { alter } from '../../tables/mismatches.ts'
import type { Column } from '../../tables/relation.ts'
import type { Target } from '../../tables/target.ts'

/** Gives a column a wider type; a collation of its own stays. @param type without one, as SQL */
export function widenColumn(target: Target, { name, collation }: Column, type: string): Statement {
  const isOwn = collation !== null && collation.name !== 'default' && type === 'text'
  const as = isOwn ? sql` COLLATE ${sql.id(collation.schema, collation.name)}` : sql``
  return alter(target, sql`ALTER COLUMN ${sql.id(name)} TYPE ${sql.raw(type)}${as}`)
}
