import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely'
import type { Statement } from '../tables/database.ts'

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

/** A block of PL/pgSQL. The quotes around the body must not be in it. */
export function doBlock(body: string): string {
  let quote = '$cdc_relay$'
  for (let i = 0; body.includes(quote); i++) quote = `$cdc_relay_${i}$`
  return `DO ${quote} ${body} ${quote}`
}

/**
 * A statement of PL/pgSQL that sets these settings until the end of the transaction: those that the server has, since each
 * Greenplum has others, and the planner cannot be chosen where GPORCA was not built in.
 */
export function setWhereKnown(settings: Readonly<Record<string, string>>): string {
  const names = Object.keys(settings).map((name) => sql.lit(name))
  const value = Object.entries(settings).map(([name, value]) => sql`WHEN ${sql.lit(name)} THEN ${sql.lit(value)}`)
  const set = sql`PERFORM set_config(name, CASE name ${sql.join(value, sql` `)} END, true)
    FROM pg_catalog.pg_settings WHERE name IN (${sql.join(names)})`
  return sqlText([set])
}
