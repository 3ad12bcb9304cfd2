import type { Column, Relation } from '../../../tables/relation.ts'
import type { CrateColumn } from './column.ts'

/** A table as CrateDB's catalogue knows it: what the shared layouts ask, and what only those of CrateDB do. */
export interface CrateRelation extends Relation<CrateRelationColumn> {
  /** The known members of objects, those of members included. */
  readonly members: readonly CrateMember[]
}

export type CrateRelationColumn = Column & CrateColumn

export interface CrateMember extends CrateColumn {
  /** As the catalogue prints it, also among the columns of a key: `pk['id']`. */
  readonly name: string
  /** From the column down: `['pk', 'id']`. */
  readonly path: readonly string[]
  /** NOT NULL, and nothing fills it: true also where the object itself is NULL. */
  readonly isRequired: boolean
}

export const columnNamed = (relation: CrateRelation, name: string): CrateRelationColumn =>
  relation.columns.find((column) => column.name === name)!

/** The columns of the primary key, as the catalogue prints them; null if there is none. */
export const primaryKeyOf = ({ uniques }: Relation): readonly string[] | null =>
  uniques?.find(({ primary }) => primary)?.columns ?? null
