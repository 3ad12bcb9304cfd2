import {
  type CompiledQuery,
  type DatabaseConnection,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'
import type { Database } from '../tables/database.ts'

/**
 * The statements that `work` sends to a database to write something, without their parameters; none of them is run. A question is
 * answered with no rows, a write with none written.
 *
 * @param goesOn false for a database that answers which rows it took: what follows depends on that, so only the first is told
 */
export async function sentStatements(
  work: (to: Database) => Promise<unknown>,
  goesOn: boolean,
): Promise<readonly string[]> {
  const sent: string[] = []
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
  const db = databaseThat(async ({ sql }) => {
    if (/^\s*SELECT\b/i.test(sql)) return { rows: [] }
    // The data of COPY is no part of the statement.
    sent.push(sql.replace(/( FROM STDIN) \$1$/, '$1'))
    if (goesOn) return NOTHING_WRITTEN
    stop()
    return await new Promise<never>(() => {})
  })
  await Promise.race([work(db), stopped])
  return sent
}

const NOTHING_WRITTEN: QueryResult<unknown> = { rows: [{ applied: 0 }], numAffectedRows: 0n }

function databaseThat(answers: (query: CompiledQuery) => Promise<QueryResult<unknown>>): Database {
  class Driver extends DummyDriver {
    override async acquireConnection(): Promise<DatabaseConnection> {
      return {
        executeQuery: answers as DatabaseConnection['executeQuery'],
        streamQuery() {
          throw new Error('no statement is streamed')
        },
      }
    }
  }
  return new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new Driver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
}
