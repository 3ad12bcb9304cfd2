import { sql } from 'kysely'
import { parseJson } from '../../../../parse-json.ts'
import { allColumns, type RememberedTable } from '../../../tables/catalogue.ts'
import type { Database } from '../../../tables/database.ts'
import { gone, type Tokens } from './state-rows.ts'
import { theRow } from './written-rows.ts'

/** By full keys of two columns CrateDB looks up 98 at a time; beyond, in silence, it searches. */
const READ_AT_ONCE = 50

/** What a relay remembers of its tables, in `cdc_relay.tables`: numbered rows, one for each source table. */
export interface RememberedTables {
  /** After the relay's name was claimed or joined. @throws RelayError STATE_REMOVED */
  load(relay: string): Promise<readonly RememberedTable[]>
  remember(table: RememberedTable): Promise<void>
}

export interface TableRow {
  readonly number: number
  readonly source: string
  readonly target_schema: string
  readonly target_table: string
  /** JSON. */
  readonly keys: string
  /** JSON. */
  readonly columns: string
}

export function rememberedTables(db: Database): RememberedTables {
  let relay = ''
  let life = ''
  let numbers = new Map<string, number>()

  async function lifeOf(name: string): Promise<string> {
    const { rows } = await sql<{ life: string }>`
      SELECT "life" FROM "cdc_relay"."relays" WHERE "name" = ${name}`.execute(db)
    if (rows[0] === undefined) throw gone(name)
    return rows[0].life
  }

  /** Resolves to whose the number is: what is there stays. Another process may be about to remember a table under the same one. */
  async function take(number: number, { source, schema, name, keys, columns }: RememberedTable): Promise<string> {
    const { rows } = await sql<{ source: string }>`
      INSERT INTO "cdc_relay"."tables" ("life", "number", "name", "source", "target_schema", "target_table", "keys", "columns")
      VALUES (${life}, ${number}, ${relay}, ${source}, ${schema}, ${name}, ${JSON.stringify(keys)}, ${JSON.stringify(columns)})
      ON CONFLICT ("life", "number") DO UPDATE SET "source" = "source"
      RETURNING "source"`.execute(db)
    return theRow(rows, 'cdc_relay.tables').source
  }

  /** What another process of the name knew of the source's columns stays known. Does nothing where all is there already. */
  async function complete(number: number, { schema, name, keys, columns }: RememberedTable): Promise<void> {
    for (;;) {
      const { rows } = await sql<TableRow & Tokens>`
        SELECT "number", "source", "target_schema", "target_table", "keys", "columns", "_seq_no", "_primary_term"
        FROM "cdc_relay"."tables" WHERE "life" = ${life} AND "number" = ${number}`.execute(db)
      const row = theRow(rows, 'cdc_relay.tables')
      const all = allColumns(parseJson(row.columns) as RememberedTable['columns'], columns)
      const next = {
        target_schema: schema,
        target_table: name,
        keys: JSON.stringify(keys),
        columns: JSON.stringify(all),
      }
      const news = Object.entries(next).filter(([column, value]) => row[column as keyof typeof next] !== value)
      if (news.length === 0) return
      const updated = await sql`
        UPDATE "cdc_relay"."tables" SET ${sql.join(news.map(([column, value]) => sql`${sql.id(column)} = ${value}`))}
        WHERE "life" = ${life} AND "number" = ${number} AND "_seq_no" = ${row._seq_no} AND "_primary_term" = ${row._primary_term}
        RETURNING "number"`
        .execute(db)
        .catch(noneIfChanged)
      if (updated.rows.length === 1) return
    }
  }

  return {
    async load(name) {
      relay = name
      life = await lifeOf(name)
      const found = await readTables(db, life)
      numbers = new Map(found.map(({ source, number }) => [source, number]))
      return found.map((row) => ({
        source: row.source,
        schema: row.target_schema,
        name: row.target_table,
        keys: parseJson(row.keys) as RememberedTable['keys'],
        columns: parseJson(row.columns) as RememberedTable['columns'],
      }))
    },

    async remember(table) {
      let number = numbers.get(table.source) ?? Math.max(-1, ...numbers.values()) + 1
      for (;;) {
        const holder = await take(number, table)
        numbers.set(holder, number)
        if (holder === table.source) return await complete(number, table)
        number++
      }
    },
  }
}

/** In the order of their numbers, as they are now. */
export async function readTables(db: Database, life: string): Promise<readonly TableRow[]> {
  const found: TableRow[] = []
  for (let first = 0; ; first += READ_AT_ONCE) {
    const rows = await readFrom(db, life, first)
    found.push(...rows)
    if (rows.length < READ_AT_ONCE) return found
  }
}

async function readFrom(db: Database, life: string, first: number): Promise<TableRow[]> {
  const keys = Array.from({ length: READ_AT_ONCE }, (_, i) => sql`"life" = ${life} AND "number" = ${first + i}`)
  const { rows } = await sql<TableRow>`
    SELECT "number", "source", "target_schema", "target_table", "keys", "columns" FROM "cdc_relay"."tables"
    WHERE ${sql.join(
      keys.map((key) => sql`(${key})`),
      sql` OR `,
    )}`.execute(db)
  return rows.sort((a, b) => a.number - b.number)
}

function noneIfChanged(error: unknown): { readonly rows: readonly unknown[] } {
  if (error instanceof Error && /version conflict/i.test(error.message)) return { rows: [] }
  throw error
}
