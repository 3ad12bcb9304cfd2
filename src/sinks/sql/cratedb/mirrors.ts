import { columnsMirror } from '../../tables/columns.ts'
import type { Database } from '../../tables/database.ts'
import type { DeclaredTypes } from '../../tables/rules.ts'
import type { Connection } from '../connection.ts'
import type { Mirrors } from '../dialect.ts'
import { crateDocuments } from './documents/document.ts'
import { columnsPlanner } from './tables/columns.ts'
import { ORIGIN } from './tables/keyless.ts'
import type { CrateRelation, CrateRelationColumn } from './tables/relation.ts'
import { crateStyle } from './tables/tables.ts'

/**
 * The layouts of mirrored tables of CrateDB, where a deleted row always stays, marked. With `objects=dynamic` in the URL the
 * members of documents become columns in a table that the relay creates.
 */
export function crateMirrors(
  { parameters }: Pick<Connection, 'parameters'>,
  _deletes: 'hard' | 'soft',
  declaredTypes: DeclaredTypes,
): Mirrors<CrateRelation> {
  const columns = columnsMirror<Database, CrateRelationColumn, CrateRelation>(
    { ...crateStyle, columns: columnsPlanner },
    declaredTypes,
  )
  return {
    columns: {
      ...columns,
      mismatches: (target, desired, found) => columns.mismatches(target, desired, withOrigin(found)),
    },
    document: crateDocuments(parameters?.objects === 'dynamic' ? 'dynamic' : 'ignored'),
  }
}

/** What the shared layout does not know of is filled all the same. */
const withOrigin = (relation: CrateRelation): CrateRelation => ({
  ...relation,
  columns: relation.columns.map((column) => (column.name === ORIGIN ? { ...column, filled: true } : column)),
})
