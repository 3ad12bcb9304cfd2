import type { Database } from './database.ts'
import { pqFailure } from './failure.ts'
import type { GpssSettings } from './settings.ts'
import { foldNames } from './target.ts'
import type { Of } from './wire.ts'
import { type Columns, RELATION_TYPES, type Schemas, type Tables } from './wire-messages.ts'

export async function listSchemas(db: Database): Promise<Of<typeof Schemas>> {
  const { rows } = await db.query<{ Name: string; Owner: string }>(
    `SELECT nspname AS "Name", pg_get_userbyid(nspowner) AS "Owner" FROM pg_namespace ORDER BY nspname`,
  )
  return { Schemas: rows }
}

/** @param schema empty: `public` */
export async function listTables(db: Database, schema: string): Promise<Of<typeof Tables>> {
  const { rows } = await db.query<{ Name: string; kind: string }>(
    `SELECT c.relname AS "Name", c.relkind AS kind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 ORDER BY c.relname`,
    [schema || 'public'],
  )
  return { Tables: rows.map(({ Name, kind }) => ({ Name, Type: RELATION_TYPES[relationType(kind)] })) }
}

/** In the order of the table's columns. */
export async function describeTable(
  db: Database,
  schema: string,
  table: string,
  settings: GpssSettings,
): Promise<Of<typeof Columns>> {
  const names = settings.foldNames === true ? await foldNames(db, [schema, table]) : [schema, table]
  const { rows } = await db.query<ColumnRow>(DESCRIBE, [...names])
  if (rows.length === 0 && settings.describeMissing !== 'empty') {
    throw pqFailure(`relation "${names.join('.')}" does not exist`)
  }
  const described = rows.filter(({ name }) => name !== null)
  return { Columns: described.map((row) => columnInfo(row, settings.databaseType ?? 'internal')) }
}

function relationType(relkind: string): keyof typeof RELATION_TYPES {
  if (relkind === 'r' || relkind === 'p') return 'Table'
  if (relkind === 'v' || relkind === 'm') return 'View'
  if (relkind === 'i') return 'Index'
  if (relkind === 'S') return 'Sequence'
  return relkind === 'c' || relkind === 't' ? 'Special' : 'Other'
}

interface ColumnRow {
  readonly name: string
  readonly internal: string
  readonly spelled: string
  readonly modifier: number
  readonly nullable: boolean
}

const DESCRIBE = `
  SELECT a.attname AS name, t.typname AS internal, format_type(a.atttypid, NULL) AS spelled,
         a.atttypmod AS modifier, NOT a.attnotnull AS nullable
    FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_type t ON t.oid = a.atttypid
   WHERE n.nspname = $1 AND c.relname = $2 ORDER BY a.attnum`

function columnInfo({ name, internal, spelled, modifier, nullable }: ColumnRow, databaseType: string) {
  const spellings: Readonly<Record<string, string>> = { internal, upper: internal.toUpperCase(), sql: spelled }
  // A modifier counts a header of four bytes; that of numeric(p,s) is p << 16 | s behind it.
  const said = modifier - 4
  const hasLength = modifier > 0 && (internal === 'varchar' || internal === 'bpchar')
  const hasPrecision = modifier > 0 && internal === 'numeric'
  return {
    Name: name,
    DatabaseType: spellings[databaseType]!,
    HasLength: hasLength,
    Length: hasLength ? BigInt(said) : 0n,
    HasPrecisionScale: hasPrecision,
    Precision: hasPrecision ? BigInt(said >> 16) : 0n,
    Scale: hasPrecision ? BigInt(said & 0x7ff) : 0n,
    HasNullable: true,
    Nullable: nullable,
  }
}
