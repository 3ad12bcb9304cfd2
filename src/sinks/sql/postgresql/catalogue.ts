import { sql } from 'kysely'
import { FAILURES, RelayError } from '../../../errors.ts'
import { allColumns, type Catalogue, type RememberedTable } from '../../tables/catalogue.ts'
import type { Database, Statement } from '../../tables/database.ts'
import { imagineRelation, readRelation } from '../catalogue.ts'
import { inTransaction, limitLockWait } from '../connection.ts'
import { bySqlState } from '../failures.ts'
import { lockForDdl } from './schema.ts'

/** The catalogue of a database that is reached by SQL; what is remembered lies in `cdc_relay.tables`. @param read how its tables are read */
export function sqlCatalogue(db: Database, read: typeof readRelation = readRelation): Catalogue {
  let relay = ''
  const lacksSchema = async (of: Database, schema: string): Promise<boolean> => {
    const { rows } = await sql`SELECT FROM pg_catalog.pg_namespace WHERE nspname = ${schema}`.execute(of)
    return rows.length === 0
  }
  return {
    async load(name) {
      relay = name
      const { rows } = await sql<RememberedTable>`
        SELECT source, target_schema AS schema, target_table AS name, keys, columns FROM cdc_relay.tables
        WHERE name = ${name}`.execute(db)
      return rows
    },

    look: (schema, name) => read(db, schema, name),

    work: (work) =>
      inTransaction(db, async (trx) => {
        await limitLockWait(trx)
        await lockForDdl(trx)
        return await work({
          look: (schema, name) => read(trx, schema, name),
          lacksSchema: (schema) => lacksSchema(trx, schema),
          grantsOn: (schema, name) => grantsOn(trx, schema, name),
          async run(statements) {
            for (const statement of statements) await statement.execute(trx)
          },
          remember: (table) => remember(trx, relay, table),
        })
      }),

    textOf: (statement) => statement.compile(db).sql,
    lacksSchema: (schema) => lacksSchema(db, schema),
    refusal: refusalOf,
    grantsOn: (schema, name) => grantsOn(db, schema, name),
    imagine: (there, made) => imagineRelation(db, there, made),
  }
}

/** Who works on tables does so alone. What another process of the name knew of the source's columns stays known. */
async function remember(
  trx: Database,
  relay: string,
  { source, schema, name, keys, columns }: RememberedTable,
): Promise<void> {
  const { rows } = await sql<Pick<RememberedTable, 'columns'>>`
    DELETE FROM cdc_relay.tables WHERE name = ${relay} AND source = ${source} RETURNING columns`.execute(trx)
  const all = allColumns(rows[0]?.columns ?? [], columns)
  await sql`
    INSERT INTO cdc_relay.tables (name, source, target_schema, target_table, keys, columns)
    VALUES (${relay}, ${source}, ${schema}, ${name}, ${JSON.stringify(keys)}::jsonb, ${JSON.stringify(all)}::jsonb)`.execute(
    trx,
  )
}

/** A statement that takes too long would take too long each time. */
function refusalOf(error: unknown): string | null {
  if (!(error instanceof Error) || error instanceof RelayError) return null
  const tooLong = 'code' in error && error.code === '57014'
  if (tooLong) return 'It takes longer than the relay may keep the table locked'
  return FAILURES[bySqlState.meaning(error).code].retry === 'never' ? bySqlState.words(error) : null
}

async function grantsOn(db: Database, schema: string, name: string): Promise<Statement[]> {
  const { rows } = await sql<{ privilege: string; role: string | null; isGrantable: boolean }>`
    SELECT a.privilege_type AS privilege, r.rolname AS role, a.is_grantable AS "isGrantable"
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      CROSS JOIN aclexplode(c.relacl) AS a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
    WHERE n.nspname = ${schema} AND c.relname = ${name} AND a.grantee <> c.relowner
    ORDER BY 2, 1`.execute(db)
  return rows.map(({ privilege, role, isGrantable }) => {
    const to = role === null ? sql`PUBLIC` : sql.id(role)
    const further = sql.raw(isGrantable ? ' WITH GRANT OPTION' : '')
    return sql`GRANT ${sql.raw(privilege)} ON ${sql.id(schema, name)} TO ${to}${further}`
  })
}
