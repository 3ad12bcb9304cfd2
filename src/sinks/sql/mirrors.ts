import { columnsMirror } from '../tables/columns.ts'
import type { Database } from '../tables/database.ts'
import { documentMirror } from '../tables/document.ts'
import type { DeclaredTypes } from '../tables/rules.ts'
import type { TableDialect } from '../tables/style.ts'
import type { Mirrors } from './dialect.ts'

/** The layouts of a database that has no others than these. */
export const mirrorsOf = (tables: TableDialect<Database>, declaredTypes: DeclaredTypes): Mirrors => ({
  columns: columnsMirror(tables, declaredTypes),
  document: documentMirror(tables),
})
