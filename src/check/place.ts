import type { Server } from './server.ts'
import { ask, type Wire } from './wire.ts'

/** Where the tables of the checks lie. */
export interface Place {
  /** The schema's name. */
  readonly schema: string
  /** What stands before the names of tables, so that they are nobody else's: empty in a schema of their own. */
  readonly prefix: string
  /** Quoted; null: one of its own, which is made and removed. */
  readonly existingSchema: string | null
  /** Qualified and quoted. Made of fixed letters, random digits and a quoted name: statements may be put together with it. */
  table(letter: string): string
  /** Drops all that was made there. */
  readonly drop: readonly string[]
}

/** Letters of the tables that checks make. */
const LETTERS = ['a', 'b8']

/** @param name of the checks, which nothing else has */
export function ownSchema(name: string): Place {
  return {
    schema: name,
    prefix: '',
    existingSchema: null,
    table: (letter) => `"${name}"."${letter}"`,
    drop: [`DROP SCHEMA IF EXISTS "${name}" CASCADE`],
  }
}

/**
 * A schema of its own where the user may make one, else the first one in which it may make tables: that of the URL, else the one in
 * which the relay remembers itself. Null if there is none: `run` needs no more where all tables are made by hand.
 *
 * @param wanted the schema of the URL; null: public
 */
export async function placeFor(
  wire: Wire,
  { kind }: Server,
  name: string,
  wanted: string | null,
): Promise<Place | null> {
  if (kind === 'PGlite') return ownSchema(name)
  if (kind === 'CrateDB') return await placeInCrate(wire, name, wanted ?? 'doc')
  const { rows } = await ask(wire, "SELECT has_database_privilege(current_database(), 'CREATE')")
  // Where the server does not say, it is tried.
  if (rows[0]?.[0] !== 'f') return ownSchema(name)
  const schemas = await ask(
    wire,
    `SELECT nspname, quote_ident(nspname) FROM pg_namespace
     WHERE nspname IN ($1, 'cdc_relay') AND has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE')
     ORDER BY nspname = $1 DESC`,
    [wanted ?? 'public'],
  )
  const [schema, quoted] = schemas.rows[0] ?? []
  if (schema == null) return null
  const table = (letter: string): string => `${quoted}."${name}_${letter}"`
  const drop = LETTERS.map((letter) => `DROP TABLE IF EXISTS ${table(letter)}`)
  return { schema, prefix: `${name}_`, existingSchema: quoted!, table, drop }
}

/** A schema comes into being with its first table, and CrateDB calls all others unknown to a user who has rights on some alone. */
async function placeInCrate(wire: Wire, name: string, schema: string): Promise<Place> {
  const own = ownSchema(name)
  const [error] = (await ask(wire, `CREATE TABLE ${own.table('probe')} (k BIGINT)`)).errors
  if (error === undefined || !/^Schema '.*' unknown|^Missing '.*' privilege/.test(error.message)) return own
  const quoted = `"${schema.replaceAll('"', '""')}"`
  const table = (letter: string): string => `${quoted}."${name}_${letter}"`
  return { schema, prefix: `${name}_`, existingSchema: quoted, table, drop: [] }
}
