import { sql } from 'kysely'
import type { Database } from './connection.ts'

/** A table, or what else bears its name, as the database's catalogue knows it. */
export interface Relation {
  /** `pg_class.relkind`: r table, p partitioned table, v view, m materialized view, f foreign table, …; null where the target does not tell. */
  readonly kind: string | null
  readonly columns: readonly Column[]
  /** What may refuse a row because of another row; null where the target does not tell. */
  readonly uniques: readonly Unique[] | null
  readonly foreignKeys: readonly ForeignKey[]
}

export interface Column {
  readonly name: string
  /** With its modifiers: `character varying(20)`. */
  readonly type: string
  /** Without: `varchar`. */
  readonly baseType: string
  /** Length, or precision and scale, as `pg_attribute.atttypmod` encodes them; -1 for none. */
  readonly modifier: number
  readonly notNull: boolean
  /** A default, an identity, or generated: need not be written. */
  readonly filled: boolean
  /** Always by the table itself, so that a row cannot bring its value; null if it can. */
  readonly generated: 'expression' | 'identity' | null
  readonly collation: { readonly schema: string; readonly name: string; readonly deterministic: boolean } | null
  /** The type itself; of a domain, what is under it. */
  readonly underlying: UnderlyingType
}

export interface UnderlyingType {
  /** As `Column.baseType`: `varchar`. */
  readonly name: string
  /** As SQL writes it where any value of it fits: `character varying`; but `bpchar`, since `character` is one character. */
  readonly sql: string
  /** As `Column.modifier`. */
  readonly modifier: number
  /** `pg_type.typtype`: b base type, e enum, c composite, r range, m multirange. */
  readonly kind: string
}

export interface Unique {
  readonly name: string
  /** Null for a bare index. */
  readonly constraint: string | null
  readonly primary: boolean
  /** Empty where it is over an expression. */
  readonly columns: readonly string[]
  /** Not partial, not over an expression, valid, and checked at once: ON CONFLICT can use it. */
  readonly plain: boolean
  /** Checked at the end of a transaction: ON CONFLICT fails on it. */
  readonly deferrable: boolean
}

export interface ForeignKey {
  readonly name: string
  /** The table that refers, quoted as SQL needs it. */
  readonly from: string
  readonly to: string
}

/** Undefined if nothing bears the name. */
export async function readRelation(db: Database, schema: string, name: string): Promise<Relation | undefined> {
  const found = await sql<{ oid: string; kind: string }>`
    SELECT c.oid::text AS oid, c.relkind::text AS kind
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${schema} AND c.relname = ${name}`.execute(db)
  const relation = found.rows[0]
  if (relation === undefined) return undefined
  const { oid, kind } = relation
  return {
    kind,
    columns: await readColumns(db, oid),
    uniques: await readUniques(db, oid),
    foreignKeys: await readForeignKeys(db, oid),
  }
}

async function readColumns(db: Database, oid: string): Promise<Column[]> {
  const { rows } = await sql<Column>`
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, t.typname AS "baseType",
      a.atttypmod AS modifier, a.attnotnull AS "notNull", a.atthasdef OR a.attidentity <> '' AS filled,
      CASE WHEN a.attgenerated <> '' THEN 'expression' WHEN a.attidentity = 'a' THEN 'identity' END AS generated,
      CASE WHEN l.oid IS NOT NULL THEN
        jsonb_build_object('schema', ln.nspname, 'name', l.collname, 'deterministic', l.collisdeterministic) END AS collation,
      (WITH RECURSIVE under (oid, name, kind, base, base_modifier, modifier, depth) AS (
          SELECT t.oid, t.typname, t.typtype, t.typbasetype, t.typtypmod, a.atttypmod, 0
          UNION ALL
          SELECT b.oid, b.typname, b.typtype, b.typbasetype, b.typtypmod, under.base_modifier, under.depth + 1
          FROM under JOIN pg_catalog.pg_type b ON b.oid = under.base WHERE under.kind = 'd'
        )
        SELECT jsonb_build_object('name', name, 'sql', format_type(oid, -1), 'modifier', modifier, 'kind', kind)
        FROM under ORDER BY depth DESC LIMIT 1) AS underlying
    FROM pg_catalog.pg_attribute a
      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
      LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
    WHERE a.attrelid = ${oid}::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`.execute(db)
  return rows
}

async function readUniques(db: Database, oid: string): Promise<Unique[]> {
  const { rows } = await sql<Unique>`
    SELECT c.relname AS name, k.conname AS constraint, i.indisprimary AS "primary",
      i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AS plain,
      NOT i.indimmediate AS deferrable,
      CASE WHEN i.indexprs IS NOT NULL THEN '[]'::jsonb ELSE
        (SELECT jsonb_agg(a.attname ORDER BY n) FROM generate_series(0, i.indnkeyatts - 1) AS n
          JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n]) END AS columns
    FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
      LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
    WHERE i.indrelid = ${oid}::oid AND (i.indisunique OR i.indisexclusion) ORDER BY c.relname`.execute(db)
  return rows
}

async function readForeignKeys(db: Database, oid: string): Promise<ForeignKey[]> {
  const { rows } = await sql<ForeignKey>`
    SELECT conname AS name, conrelid::regclass::text AS "from", confrelid::regclass::text AS "to"
    FROM pg_catalog.pg_constraint
    WHERE contype = 'f' AND (conrelid = ${oid}::oid OR confrelid = ${oid}::oid) AND conparentid = 0
    ORDER BY conname`.execute(db)
  return rows
}
