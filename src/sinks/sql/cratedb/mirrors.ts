import { columnsMirror, type DeclaredTypes } from '../../tables/columns.ts'
import type { Database } from '../../tables/database.ts'
import type { Relation } from '../../tables/relation.ts'
import type { TableDialect } from '../../tables/style.ts'
import type { Mirrors } from '../dialect.ts'
import { crateDocuments } from './documents/document.ts'
import { columnsPlanner } from './tables/columns.ts'
import { ORIGIN } from './tables/keyless.ts'
import { crateRelation } from './tables/relation.ts'
import { crateStyle } from './tables/tables.ts'

/**
 * The layouts of mirrored tables of CrateDB, where a deleted row always stays, marked.
 * @param objects whether members of documents become columns in a table that the relay makes
 */
export function crateMirrors(
  _deletes: 'hard' | 'soft',
  declaredTypes: DeclaredTypes,
  objects: 'ignored' | 'dynamic',
): Mirrors {
  const tables: TableDialect<Database> = {
    ...crateStyle,
    columns: (table, relation) => columnsPlanner(table, crateRelation(relation)),
    document: () => {
      throw new Error('documents of CrateDB have a layout of their own')
    },
  }
  const columns = columnsMirror(tables, declaredTypes)
  return {
    columns: { ...columns, misfits: (target, wanted, found) => columns.misfits(target, wanted, withOrigin(found)) },
    document: crateDocuments(tables, objects),
  }
}

/** What the shared layout does not know of is filled all the same. */
const withOrigin = (relation: Relation): Relation => ({
  ...relation,
  columns: relation.columns.map((column) => (column.name === ORIGIN ? { ...column, filled: true } : column)),
})
