import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import type { Statement } from '../sql/layout.ts'

/** Writes SQL, and never sends it. */
const writer = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

/**
 * Statements as the text that GPSS runs in front of a load or behind it. There are no parameters in it: names are `sql.id`,
 * values `sql.lit`.
 */
export function sqlText(statements: readonly Statement[]): string {
  const texts = statements.map((statement) => {
    const { sql, parameters } = statement.compile(writer)
    if (parameters.length > 0) throw new Error('SQL for GPSS cannot have parameters')
    return sql
  })
  return texts.join(';\n')
}
