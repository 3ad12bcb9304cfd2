import { columnsMirror, type DeclaredTypes } from '../tables/columns.ts'
import type { Database } from './connection.ts'
import type { Mirrors, TableDialect } from './dialect.ts'
import { documentMirror } from '../tables/document.ts'

/** The layouts of a database that has no others than these. */
export const mirrorsOf = (tables: TableDialect<Database>, declaredTypes: DeclaredTypes): Mirrors => ({
  columns: columnsMirror(tables, declaredTypes),
  document: documentMirror(tables),
})
