import type { Check } from './check.ts'
import { type CheckContext, shown, worked } from './context.ts'
import { isAtLeast } from './server.ts'
import { ask } from './wire.ts'

/** Makes the table of all checks. Where that fails there is nothing to check. */
export const CRATEDB_TABLE: Check = {
  id: 'C-00',
  what: 'make a table in a schema of its own',
  expected: 'made',
  decides: 'creating tables',
  otherwise:
    'Nothing else can be checked. GRANT DQL, DML, DDL ON SCHEMA cdc_relay, and on that of your tables, TO this user.',
  async find(context) {
    const { errors } = await ask(
      await context.session(),
      // One shard: what happens to one request. An explicit refresh interval: without one, a search after idle seconds refreshes.
      `CREATE TABLE ${context.t} (
        k BIGINT PRIMARY KEY, s TEXT, n BIGINT, o OBJECT(DYNAMIC), i OBJECT(IGNORED), v BIGINT
      ) CLUSTERED INTO 1 SHARDS WITH (refresh_interval = 10000)`,
    )
    if (errors.length > 0) return `not made (${shown(errors[0]!)})`
    const { existingSchema } = context.place!
    return existingSchema === null ? 'made' : `made (in ${existingSchema}, for this user may make no schema)`
  },
}

/** What CrateDB does with a connection. https://cratedb.com/docs/crate/reference/en/latest/interfaces/postgres.html */
export const CRATEDB_CONNECTION: readonly Check[] = [
  {
    id: 'C-01',
    what: 'look for crate_version in what the server tells at the login, and its version',
    expected: 'present, 5.10.12 or later',
    decides: 'the dialect, and whether this version is supported',
    otherwise:
      'Earlier versions have faults in upserts: upgrade. The relay warns at its start, and refuses versions before 5.5.3.',
    async find({ server }) {
      return isAtLeast(server, '5.10.12')
        ? `present, 5.10.12 or later (${server.version})`
        : `present, ${server.version}`
    },
  },
  {
    id: 'C-44',
    what: 'connect without a database; SELECT CURRENT_SCHEMA',
    expected: 'the name of the user',
    decides: 'the relay always names a schema',
    otherwise: 'Nothing: the relay names one in any case.',
    async find(context) {
      const user = await currentUser(context)
      const wire = await context.another({ database: user })
      const { rows } = worked(await ask(wire, 'SELECT CURRENT_SCHEMA'))
      return rows[0]?.[0] === user ? `the name of the user (${user})` : `${rows[0]?.[0]}`
    },
  },
  {
    id: 'C-45',
    what: 'connect with statement_timeout as startup parameter; SHOW statement_timeout',
    expected: 'dropped',
    decides: 'settings travel in `options`',
    otherwise: 'Nothing: the relay sends its settings in `options` in any case.',
    async find(context) {
      const timeout = async (milliseconds: number | false) => {
        const wire = await context.another({ statement_timeout: milliseconds })
        return worked(await ask(wire, 'SHOW statement_timeout')).rows[0]?.[0]
      }
      const [usual, asked] = [await timeout(false), await timeout(54_321)]
      return usual === asked ? `dropped (${usual})` : `taken (${asked})`
    },
  },
]

async function currentUser(context: CheckContext): Promise<string> {
  return (await context.mustRun('SELECT CURRENT_USER')).rows[0]![0]!
}
