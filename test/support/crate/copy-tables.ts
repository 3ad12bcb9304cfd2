import type { Crate } from './crate.ts'

/** Copies the tables of a schema; the function puts their rows back, as a restored snapshot does. Of texts, numbers, booleans, and objects of these. */
export function copyTables(crate: Crate, schema: string): () => Promise<void> {
  const tables = crate
    .query(
      `SELECT table_name FROM information_schema.tables WHERE table_schema = ${literal(schema)} AND table_type = 'BASE TABLE'`,
    )
    .map(({ table_name }) => `${identifier(schema)}.${identifier(String(table_name))}`)
  const copies = tables.map((table) => ({ table, rows: crate.query(`SELECT * FROM ${table}`) }))
  return async () => {
    for (const { table, rows } of copies) {
      crate.query(`DELETE FROM ${table}`)
      for (const row of rows) {
        const names = Object.keys(row).map(identifier).join(', ')
        crate.query(`INSERT INTO ${table} (${names}) VALUES (${Object.values(row).map(literal).join(', ')})`)
      }
    }
  }
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`
  return typeof value === 'object' && value !== null ? `${literal(json(value))}::object(ignored)` : String(value)
}

const json = (object: object): string =>
  JSON.stringify(object, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))
