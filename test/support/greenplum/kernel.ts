import pg from 'pg'
import type { PostgresVersion } from '../postgres/postgres-programs.ts'
import type { TestDatabase } from '../postgres/postgres-server.ts'
import type { GreenplumKind } from './rules.ts'
import type { Distribution } from './tables.ts'

/** What each says of itself, and the PostgreSQL that it is made from or, for 9.4, the nearest that can be had. */
export const KERNELS: Record<GreenplumKind, { postgres: PostgresVersion; version: string; serverVersion: string }> = {
  '6': {
    postgres: '10',
    version:
      'PostgreSQL 9.4.26 (Greenplum Database 6.27.1 build commit:4ee31c01f0a5bd5b1bd2ae2cd8cbd56f0ee7c9b7) on x86_64-unknown-linux-gnu, compiled by gcc (GCC) 6.4.0, 64-bit compiled on May 22 2024 21:12:46',
    serverVersion: '9.4.26',
  },
  '7': {
    postgres: '12',
    version:
      'PostgreSQL 12.12 (Greenplum Database 7.1.0 build commit:e7c2b1f14bb42a1018ac57d14f4436880e0a0515) on x86_64-pc-linux-gnu, compiled by gcc (GCC) 8.5.0, 64-bit compiled on Jan 19 2024 06:48:52',
    serverVersion: '12.12',
  },
  cloudberry: {
    postgres: '14',
    version:
      'PostgreSQL 14.4 (Apache Cloudberry 2.0.0 build 1) on x86_64-pc-linux-gnu, compiled by gcc (GCC) 11.5.0, 64-bit compiled on Aug 12 2025 10:21:18',
    serverVersion: '14.4',
  },
}

/** The schema of what is hidden. */
export const HIDDEN = 'cdc_relay_test_newer'

/** Connections with these settings see all that the kernel has, also what `disguise` hides from the others. */
export const SEES_ALL = `-c search_path="$user",public,${HIDDEN}`

/** Server settings that `disguise` needs. */
export const DISGUISABLE = { allow_system_table_mods: 'on' }

/**
 * Makes a database call itself Greenplum, know its settings (under the prefix `greenplum.`, for PostgreSQL takes no other
 * new names), and for Greenplum 6 hides functions, operators and types of PostgreSQL 9.5 to 10: a statement that uses
 * them fails as it would there.
 */
export async function disguise(
  database: TestDatabase,
  kind: GreenplumKind,
  deadlockDetector: 'on' | 'off',
): Promise<void> {
  const { version, serverVersion } = KERNELS[kind]
  const [major = 0, minor = 0, patch = 0] = serverVersion.split('.').map(Number)
  const settings = {
    gp_enable_global_deadlock_detector: deadlockDetector,
    gp_autostats_mode: 'on_no_stats',
    gp_role: 'dispatch',
    optimizer: 'on',
    server_version: serverVersion,
    server_version_num: `${major < 10 ? major * 10_000 + minor * 100 + patch : major * 10_000 + minor}`,
  }
  for (const [name, value] of Object.entries(settings)) {
    await database.query(`ALTER DATABASE ${database.name} SET greenplum.${name} = '${value}'`)
  }
  await database.query(`
    CREATE SCHEMA cdc_relay_test_newer;
    UPDATE pg_proc SET pronamespace = 'cdc_relay_test_newer'::regnamespace WHERE oid = 'pg_catalog.version()'::regprocedure;
    CREATE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE AS $$ SELECT '${version}'::text $$;
    GRANT USAGE ON SCHEMA cdc_relay_test_newer TO PUBLIC`)
  await database.query(CATALOGUE)
  if (kind === '6') await database.query(PARTITIONS)
  if (kind === '6') await hideNewer(database)
}

/** What Greenplum's catalogue says of tables: nothing at first, for they are made by PostgreSQL. */
const CATALOGUE = `
  CREATE TABLE pg_catalog.gp_distribution_policy (localoid oid, policytype "char", distkey int2vector);
  GRANT SELECT ON pg_catalog.gp_distribution_policy TO PUBLIC;
  CREATE FUNCTION cdc_relay_test_newer.distribute(spread regclass, policy "char", columns text[]) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE places int2vector := coalesce((SELECT string_agg(attnum::text, ' ' ORDER BY n) FROM unnest(columns) WITH ORDINALITY AS u (name, n)
      JOIN pg_attribute ON attrelid = spread AND attname = name), '')::int2vector;
    elsewhere text := (SELECT indexrelid::regclass FROM pg_index WHERE indrelid = spread AND indisunique AND policy = 'p'
      AND (columns = '{}' OR NOT string_to_array(places::text, ' ')::int[] <@ string_to_array(indkey::text, ' ')::int[]) LIMIT 1);
  BEGIN
    IF elsewhere IS NOT NULL THEN RAISE 'unique index % lacks distribution columns', elsewhere; END IF;
    DELETE FROM pg_catalog.gp_distribution_policy WHERE localoid = spread;
    INSERT INTO pg_catalog.gp_distribution_policy VALUES (spread, policy, places);
  END $$`

/** 7 and Cloudberry have those of PostgreSQL. */
const PARTITIONS = `
  CREATE TABLE pg_catalog.pg_partition (parrelid oid, parlevel smallint, parnatts smallint, paratts int2vector);
  GRANT SELECT ON pg_catalog.pg_partition TO PUBLIC`

/** Empties what the catalogue says of tables. */
export const forgetTables = (kind: GreenplumKind): string =>
  `DELETE FROM pg_catalog.gp_distribution_policy${kind === '6' ? '; DELETE FROM pg_catalog.pg_partition' : ''}`

/** The statement that makes the catalogue say how a table is spread. */
export function distribute(table: string, distribution: Distribution): string {
  const [policy, columns] =
    typeof distribution === 'object' ? ['p', distribution] : [distribution === 'randomly' ? 'p' : 'r', []]
  const name = table
    .split('.')
    .map((part) => pg.escapeIdentifier(part))
    .join('.')
  return `SELECT cdc_relay_test_newer.distribute(${pg.escapeLiteral(name)}, '${policy}', ${pg.escapeLiteral(`{${columns.map((column) => `"${column}"`).join(',')}}`)}::text[])`
}

const NEWER_FUNCTIONS = `array_position array_positions array_to_tsvector json_strip_nulls jsonb_agg jsonb_build_array
  jsonb_build_object jsonb_concat jsonb_delete jsonb_delete_path jsonb_insert jsonb_object jsonb_object_agg jsonb_pretty
  jsonb_set jsonb_strip_nulls num_nonnulls num_nulls parse_ident pg_blocking_pids pg_control_system pg_size_bytes
  pg_sequence_last_value regexp_match scale to_jsonb to_regnamespace to_regrole txid_current_if_assigned
  txid_status`

/** Only the namespace changes: what the server itself does with them goes by number. */
async function hideNewer(database: TestDatabase): Promise<void> {
  const hide = (catalogue: string, column: string, which: string) =>
    database.query(`UPDATE ${catalogue} SET ${column} = 'cdc_relay_test_newer'::regnamespace WHERE ${which}`)

  await hide('pg_proc', 'pronamespace', `proname = ANY (regexp_split_to_array('${NEWER_FUNCTIONS}', '\\s+'))`)
  await hide('pg_proc', 'pronamespace', `oid = 'pg_catalog.current_setting(text, boolean)'::regprocedure`)
  await hide('pg_operator', 'oprnamespace', `oprname IN ('||', '-', '#-') AND oprleft = 'jsonb'::regtype`)
  await hide('pg_type', 'typnamespace', `typname IN ('regrole', 'regnamespace', '_regrole', '_regnamespace')`)
}
