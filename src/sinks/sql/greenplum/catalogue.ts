import { sql } from 'kysely'
import type { Database } from '../../tables/database.ts'
import type { Distribution, Relation } from '../../tables/relation.ts'
import { readRelation } from '../catalogue.ts'

/** As `readRelation`, with what only Greenplum has: how rows are spread, its own partitions, and what these are made as. */
export async function readGreenplumRelation(db: Database, schema: string, name: string): Promise<Relation | undefined> {
  const relation = await readRelation(db, schema, name)
  if (relation?.kind !== 'r' && relation?.kind !== 'p') return relation
  const has = await readTablesOfCatalogue(db)
  const distribution = has.distribution ? await readDistribution(db, schema, name) : {}
  if (!(await hasParts(db, schema, name))) return { ...relation, ...distribution }
  return {
    ...relation,
    ...distribution,
    isAppendOptimized: relation.isAppendOptimized === true || (await hasAppendOptimizedParts(db, schema, name)),
    ...(has.partitions ? await readPartitionColumns(db, schema, name) : {}),
  }
}

/** Only Greenplum 6 has partitions of its own; 7 and Cloudberry have PostgreSQL's, and others may have less. */
async function readTablesOfCatalogue(
  db: Database,
): Promise<{ readonly distribution: boolean; readonly partitions: boolean }> {
  const { rows } = await sql<{ distribution: boolean; partitions: boolean }>`
    SELECT to_regclass('pg_catalog.gp_distribution_policy') IS NOT NULL AS distribution,
      to_regclass('pg_catalog.pg_partition') IS NOT NULL AS partitions`.execute(db)
  return rows[0]!
}

const oidOf = (schema: string, name: string) => sql`(SELECT c.oid FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${schema} AND c.relname = ${name})`

async function readDistribution(
  db: Database,
  schema: string,
  name: string,
): Promise<{ readonly distribution?: Distribution }> {
  const { rows } = await sql<{ policy: string; columns: string[] | null }>`
    SELECT d.policytype::text AS policy, (
      SELECT json_agg(a.attname ORDER BY n) FROM generate_series(0, coalesce(array_upper(d.distkey, 1), -1)) AS n
        JOIN pg_catalog.pg_attribute a ON a.attrelid = d.localoid AND a.attnum = d.distkey[n]) AS columns
    FROM pg_catalog.gp_distribution_policy d WHERE d.localoid = ${oidOf(schema, name)}`.execute(db)
  const [found] = rows
  if (found === undefined) return {}
  return { distribution: found.policy === 'r' ? 'replicated' : (found.columns ?? 'randomly') }
}

async function hasParts(db: Database, schema: string, name: string): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = ${oidOf(schema, name)} LIMIT 1`.execute(db)
  return rows.length > 0
}

/** Level by level, for Greenplum does not take recursion everywhere. */
async function hasAppendOptimizedParts(db: Database, schema: string, name: string): Promise<boolean> {
  let level = await partsOf(db, oidOf(schema, name))
  while (level.length > 0) {
    if (level.some(({ isAppendOptimized }) => isAppendOptimized)) return true
    const oids = JSON.stringify(level.map(({ oid }) => oid))
    level = await partsOf(db, sql`ANY (ARRAY(SELECT json_array_elements_text(${oids}::json)::oid))`)
  }
  return false
}

async function partsOf(
  db: Database,
  parents: ReturnType<typeof oidOf>,
): Promise<{ readonly oid: string; readonly isAppendOptimized: boolean }[]> {
  const { rows } = await sql<{ oid: string; isAppendOptimized: boolean }>`
    SELECT c.oid::text AS oid, coalesce(row_to_json(c)->>'relstorage' IN ('a', 'c'), false)
      OR coalesce(m.amname IN ('ao_row', 'ao_column', 'pax'), false) AS "isAppendOptimized"
    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
    WHERE i.inhparent = ${parents}`.execute(db)
  return rows
}

/** On all levels. */
async function readPartitionColumns(
  db: Database,
  schema: string,
  name: string,
): Promise<{ readonly partitionedBy?: readonly string[] }> {
  const { rows } = await sql<{ name: string }>`
    SELECT DISTINCT a.attname AS name
    FROM pg_catalog.pg_partition p CROSS JOIN generate_series(0, p.parnatts - 1) AS n
      JOIN pg_catalog.pg_attribute a ON a.attrelid = p.parrelid AND a.attnum = p.paratts[n]
    WHERE p.parrelid = ${oidOf(schema, name)}`.execute(db)
  return rows.length === 0 ? {} : { partitionedBy: rows.map(({ name }) => name) }
}
