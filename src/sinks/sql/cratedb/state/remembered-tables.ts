import { sql } from 'kysely'
import { parseJson } from '../../../../parse-json.ts'
import type { Remembered } from '../../../tables/catalogue.ts'
import type { Database } from '../../../tables/database.ts'
import { theRow } from './written-rows.ts'

/** By full keys of two columns CrateDB looks up 98 at a time; beyond, in silence, it searches. */
const READ_AT_ONCE = 50

/** What a relay remembers of its tables, in `cdc_relay.tables`: numbered rows, one for each source table. */
export interface RememberedTables {
  /** After the relay's name was claimed. */
  load(relay: string): Promise<readonly Remembered[]>
  remember(table: Remembered): Promise<void>
}

interface TableRow {
  readonly number: number
  readonly source: string
  readonly target_schema: string
  readonly target_table: string
  readonly keys: string
  readonly columns: string
}

export function rememberedTables(db: Database): RememberedTables {
  let relay = ''
  let life = ''
  let numbers = new Map<string, number>()

  async function lifeOf(name: string): Promise<string> {
    const { rows } = await sql<{ life: string }>`
      SELECT "life" FROM "cdc_relay"."relays" WHERE "name" = ${name}`.execute(db)
    if (rows[0] === undefined) throw new Error('the name must be claimed first')
    return rows[0].life
  }

  async function readFrom(first: number): Promise<TableRow[]> {
    const keys = Array.from({ length: READ_AT_ONCE }, (_, i) => sql`"life" = ${life} AND "number" = ${first + i}`)
    const { rows } = await sql<TableRow>`
      SELECT "number", "source", "target_schema", "target_table", "keys", "columns" FROM "cdc_relay"."tables"
      WHERE ${sql.join(
        keys.map((key) => sql`(${key})`),
        sql` OR `,
      )}`.execute(db)
    return rows.sort((a, b) => a.number - b.number)
  }

  /** Resolves to whose the number is now. */
  async function write(number: number, { source, schema, name, keys, columns }: Remembered): Promise<string> {
    const values = {
      target_schema: schema,
      target_table: name,
      keys: JSON.stringify(keys),
      columns: JSON.stringify(columns),
    }
    // A process that lost the relay's name may be about to remember a table of its own under the same number.
    const assignments = Object.keys(values).map((column) => {
      const id = sql.id(column)
      return sql`${id} = CASE WHEN excluded."source" = "source" THEN excluded.${id} ELSE ${id} END`
    })
    const { rows } = await sql<{ source: string }>`
      INSERT INTO "cdc_relay"."tables" ("life", "number", "name", "source", ${sql.join(Object.keys(values).map((column) => sql.id(column)))})
      VALUES (${life}, ${number}, ${relay}, ${source}, ${sql.join(Object.values(values))})
      ON CONFLICT ("life", "number") DO UPDATE SET ${sql.join(assignments)}
      RETURNING "source"`.execute(db)
    return theRow(rows, 'cdc_relay.tables').source
  }

  return {
    async load(name) {
      relay = name
      life = await lifeOf(name)
      const found: TableRow[] = []
      for (let first = 0; ; first += READ_AT_ONCE) {
        const rows = await readFrom(first)
        found.push(...rows)
        if (rows.length < READ_AT_ONCE) break
      }
      numbers = new Map(found.map(({ source, number }) => [source, number]))
      return found.map((row) => ({
        source: row.source,
        schema: row.target_schema,
        name: row.target_table,
        keys: parseJson(row.keys) as Remembered['keys'],
        columns: parseJson(row.columns) as Remembered['columns'],
      }))
    },

    async remember(table) {
      let number = numbers.get(table.source) ?? Math.max(-1, ...numbers.values()) + 1
      for (;;) {
        const holder = await write(number, table)
        numbers.set(holder, number)
        if (holder === table.source) return
        number++
      }
    },
  }
}
