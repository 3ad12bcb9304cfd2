import { setTimeout as sleep } from 'node:timers/promises'
import { newDatabase, type PostgresServer, type TestDatabase } from './postgres-server.ts'

/** What is special about the databases of one server. */
export interface Preparation {
  /** Settings of the connections of `query`, as on the command line of a server: `-c name=value`. */
  readonly settings?: string
  /** Schemas that stay. */
  readonly keeps?: readonly string[]
  /** Makes of a new database what the tests expect. */
  readonly prepare?: (database: TestDatabase) => Promise<void>
  /** Undoes in the catalogue what tests did there. */
  readonly restore?: string
}

/**
 * Lends databases that are as new. One that a test gives back (`drop`) is emptied for the next test, with the session of `query`,
 * for to make a database or a session costs much more; where a test left something behind that emptying does not remove, it is dropped.
 */
export function reusedDatabases(
  server: PostgresServer,
  { settings, keeps = [], prepare = async () => {}, restore = '' }: Preparation = {},
): () => Promise<TestDatabase> {
  const idle: { readonly database: TestDatabase; readonly asMade: string }[] = []

  async function make(): Promise<(typeof idle)[number]> {
    const database = await newDatabase(server, settings)
    await prepare(database)
    return { database, asMade: await leftIn(database) }
  }

  return async () => {
    const used = idle.pop() ?? (await make())
    const { database, asMade } = used
    const giveBack = async () => {
      const left = await emptied(database, keeps, restore)
      if (left === asMade) idle.push(used)
      else await database.drop()
    }
    let dropped: Promise<void> | undefined
    return {
      ...database,
      drop: () => {
        dropped ??= giveBack()
        return dropped
      },
    }
  }
}

/** Ends all sessions but the one of `query`, which is then like a new one, and drops all schemas; resolves to what is left. */
async function emptied(database: TestDatabase, keeps: readonly string[], restore: string): Promise<string> {
  const { query } = database
  await query('ROLLBACK')
  await query('DISCARD ALL')
  while ((await query(END_SESSIONS)).length > 0) await sleep(1)
  await query(dropSchemas(keeps))
  if (restore !== '') await query(restore)
  return await leftIn(database)
}

const leftIn = async ({ query }: TestDatabase): Promise<string> => (await query<{ left: string }>(LEFT))[0]!.left

/** A session holds its locks until it is gone from here. */
const END_SESSIONS = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`

const dropSchemas = (keeps: readonly string[]): string => `DO $$ DECLARE name name; BEGIN
  FOR name IN SELECT nspname FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> ALL ('{${['information_schema', ...keeps].join(',')}}') LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', name);
  END LOOP;
  IF current_setting('server_version_num')::int < 150000 THEN
    CREATE SCHEMA public;
    GRANT ALL ON SCHEMA public TO PUBLIC;
  ELSE
    CREATE SCHEMA public AUTHORIZATION pg_database_owner;
    GRANT USAGE ON SCHEMA public TO PUBLIC;
  END IF;
END $$`

/** What can be in a database, in a text that differs when anything was added: how many of each kind there are, and who may what. */
const LEFT = `SELECT concat_ws(' ', ${[
  ...['pg_class', 'pg_proc', 'pg_type', 'pg_operator', 'pg_am', 'pg_opclass', 'pg_opfamily', 'pg_cast', 'pg_collation'],
  ...['pg_conversion', 'pg_default_acl', 'pg_event_trigger', 'pg_extension', 'pg_foreign_data_wrapper', 'pg_language'],
  ...['pg_foreign_server', 'pg_largeobject_metadata', 'pg_publication', 'pg_trigger', 'pg_ts_config', 'pg_rewrite'],
]
  .map((catalogue) => `(SELECT count(*) FROM ${catalogue})`)
  .join(', ')},
  (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()),
  (SELECT string_agg(concat_ws(' ', nspname, nspowner, nspacl), ' ' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_'),
  (SELECT concat_ws(' ', datdba, datallowconn, datconnlimit, datacl) FROM pg_database WHERE datname = current_database()),
  (SELECT string_agg(concat_ws(' ', setrole, setconfig), ' ' ORDER BY setrole) FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())),
  (SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE '%' || current_database() || '%')) AS left`
