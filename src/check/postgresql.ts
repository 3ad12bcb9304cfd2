import type { Check } from './check.ts'
import { outcome, shown, syntaxOutcome } from './context.ts'
import { NotPermitted } from './finding.ts'
import { isAtLeast } from './server.ts'
import { type Answer, ask } from './wire.ts'

/** Makes the schema of all checks, and a table in it. Where that fails there is nothing to check; where it is not allowed, less. */
export const POSTGRESQL_SCHEMA: Check = {
  id: 'P-00',
  what: 'make a schema of its own, and a table in it',
  expected: 'made',
  decides: 'creating tables and what the relay remembers',
  otherwise: 'Nothing else can be checked.',
  async find(context) {
    const { place, schema } = context
    if (place === null) {
      throw new NotPermitted(
        'not permitted (no schema can be made, and no table in the schema of the URL or in cdc_relay: enough for `run` where all tables are there, see docs/postgresql.md)',
      )
    }
    const wire = await context.session()
    const distributed = /Greenplum|Cloudberry/.test(context.server.kind) ? 'DISTRIBUTED BY (k)' : ''
    for (const text of [
      ...(place.existingSchema === null ? [`CREATE SCHEMA ${schema}`] : []),
      `CREATE TABLE ${context.t} (k bigint PRIMARY KEY, s text, d jsonb, v bigint) ${distributed}`,
    ]) {
      const { errors } = await ask(wire, text)
      if (errors.length > 0) return `not made (${shown(errors[0]!)})`
    }
    return place.existingSchema === null ? 'made' : `made (in ${place.existingSchema}: this user may make no schema)`
  },
}

/** What PostgreSQL, PGlite and all Greenplums have in common. */
export const POSTGRESQL_FAMILY: readonly Check[] = [
  {
    id: 'P-02',
    what: 'SHOW server_encoding',
    expected: 'UTF8',
    decides: 'text of any language',
    otherwise: 'Rows whose text the encoding lacks become dead letters. Make another database with ENCODING UTF8.',
    find: async ({ mustRun }) => only(await mustRun('SHOW server_encoding')),
  },
  {
    id: 'P-04',
    what: 'is this a primary that takes writes?',
    expected: 'writable',
    decides: 'whether this address can be written to',
    otherwise: 'The relay waits until it can write. Give it the address of the primary.',
    async find({ mustRun }) {
      const isStandby = only(await mustRun('SELECT pg_is_in_recovery()')) === 't'
      const isReadOnly = only(await mustRun('SHOW transaction_read_only')) === 'on'
      return isStandby ? 'a standby' : isReadOnly ? 'read-only' : 'writable'
    },
  },
  {
    id: 'P-05',
    what: 'rights on the schema cdc_relay',
    expected: 'it can be made, or tables in it',
    fits: (found) => ['tables can be made in it', 'it can be made', 'its tables can be written'].includes(found),
    decides: 'where positions, tombstones and dead letters lie',
    otherwise:
      'The relay stops at its start. Make the schema for it: CREATE SCHEMA cdc_relay; GRANT USAGE, CREATE ON SCHEMA cdc_relay TO this user. docs/postgresql.md says what else is possible.',
    async find({ mustRun }) {
      const isThere = only(await mustRun("SELECT count(*) FROM pg_namespace WHERE nspname = 'cdc_relay'")) === '1'
      const can = only(
        await mustRun(
          isThere
            ? "SELECT has_schema_privilege('cdc_relay', 'CREATE') AND has_schema_privilege('cdc_relay', 'USAGE')"
            : "SELECT has_database_privilege(current_database(), 'CREATE')",
        ),
      )
      if (isThere && can !== 't' && only(await mustRun(OWN_TABLES_WRITABLE)) === 't') return 'its tables can be written'
      if (isThere) return can === 't' ? 'tables can be made in it' : 'no tables can be made in it'
      return can === 't' ? 'it can be made' : 'it is not there and cannot be made'
    },
  },
  {
    id: 'P-08',
    what: 'numbers of 38 digits, 1e400 and 1.10 in jsonb',
    expected: 'exact',
    decides: 'documents: every digit is kept',
    otherwise: 'Numbers would be rounded: this server must not be written to.',
    async find({ mustRun }) {
      const text = only(
        await mustRun('SELECT $1::jsonb::text', ['[12345678901234567890123456789012345678, 1e400, 1.10]']),
      )
      const exact = `[12345678901234567890123456789012345678, 1${'0'.repeat(400)}, 1.10]`
      return text === exact ? 'exact' : text
    },
  },
  {
    id: 'P-09',
    what: 'jsonb_to_recordset of one parameter, with exact numbers and bytes',
    expected: 'all rows as sent',
    decides: 'a batch is one parameter',
    otherwise: 'The relay cannot write batches to this server.',
    async find({ ask }) {
      const answer = await ask(
        'SELECT k, n, encode(b, $2) FROM jsonb_to_recordset($1::jsonb) AS r(k text, n numeric, b bytea)',
        ['[{"k":"a","n":12345678901234567890123456789012345678,"b":"\\\\x00ff"},{"k":"b","n":null}]', 'hex'],
      )
      const rows = JSON.stringify(answer.rows)
      if (answer.errors.length > 0) return outcome(answer)
      return rows === '[["a","12345678901234567890123456789012345678","00ff"],["b",null,null]]'
        ? 'all rows as sent'
        : rows
    },
  },
  {
    id: 'P-11',
    what: 'U+0000 in text and in jsonb',
    expected: 'refused with 22021 and 22P05',
    decides: '--nul',
    otherwise: 'Nothing: the relay replaces it before, or keeps the record apart.',
    async find({ ask }) {
      const text = await ask('SELECT $1::text', ['a\u0000b'])
      const json = await ask('SELECT $1::jsonb', ['"a\\u0000b"'])
      const [one, other] = [text, json].map(({ errors }) => errors[0]?.code ?? 'accepted')
      return one === 'accepted' && other === 'accepted' ? 'accepted' : `refused with ${one} and ${other}`
    },
  },
  {
    id: 'P-12',
    what: 'a name of 70 bytes',
    expected: 'cut to 63',
    decides: 'the relay shortens longer names itself',
    otherwise: 'Nothing: the relay cuts names at 63 bytes in any case.',
    async find({ mustRun }) {
      const name = 'n'.repeat(70)
      const { notices } = await mustRun(`SELECT 1 AS "${name}"`)
      const length = only(await mustRun('SHOW max_identifier_length'))
      return notices.includes('42622') ? `cut to ${length}` : `kept (${length})`
    },
  },
  {
    id: 'P-16',
    what: 'SHOW synchronous_commit',
    expected: 'on, or what you decided',
    open: true,
    decides: 'with off, a crash of the server may lose the last commits, rows and positions together: they come again',
    otherwise: '',
    find: async ({ mustRun }) => only(await mustRun('SHOW synchronous_commit')),
  },
  {
    id: 'P-17',
    what: 'COMMIT of a transaction in which a statement failed',
    expected: 'ROLLBACK',
    decides: 'success is the answer COMMIT, nothing else',
    otherwise: 'The relay would take a failed batch for written: this server must not be written to.',
    async find({ mustRun, ask }) {
      await mustRun('BEGIN')
      await ask('SELECT 1 / 0')
      return (await mustRun('COMMIT')).tags.join(', ')
    },
  },
]

/** Of PostgreSQL and PGlite, which Greenplum does otherwise. */
export const POSTGRESQL_OWN: readonly Check[] = [
  {
    id: 'P-01',
    what: 'the version of the server',
    expected: '12 or later',
    decides: 'whether this version is supported',
    otherwise: 'The relay is not tested with it: upgrade.',
    find: async ({ server }) => (isAtLeast(server, '12') ? `12 or later (${server.version})` : server.version),
  },
  {
    id: 'P-07',
    what: 'INSERT … ON CONFLICT DO UPDATE … WHERE excluded.v >= t.v, with an older and a newer version',
    expected: 'INSERT 0 0, INSERT 0 1',
    decides: 'which change wins, and how many were superseded',
    otherwise: 'Older changes could replace newer ones: this server must not be written to.',
    async find({ mustRun, ask, t }) {
      await mustRun(`INSERT INTO ${t} (k, v) VALUES (700, 5)`)
      const older = await ask(guarded(t), ['700', '4'])
      const newer = await ask(guarded(t), ['700', '6'])
      return [older, newer].map((answer) => (answer.errors.length > 0 ? outcome(answer) : answer.tags[0])).join(', ')
    },
  },
  {
    id: 'P-10',
    what: 'a data-modifying WITH',
    expected: 'accepted',
    decides: 'a delete and its tombstone are one statement',
    otherwise: 'The relay cannot write deletes to this server.',
    find: async ({ ask, t }) => outcome(await ask(dataModifyingWith(t))),
  },
  {
    id: 'P-19',
    what: 'ADD COLUMN IF NOT EXISTS, twice',
    expected: 'accepted',
    decides: 'columns that the source gets',
    otherwise: 'Add new columns yourself and run with --create-tables never.',
    find: async ({ mustRun, ask, t }) => {
      const text = `ALTER TABLE ${t} ADD COLUMN IF NOT EXISTS z19 text`
      await mustRun(text)
      return syntaxOutcome(await ask(text))
    },
  },
]

const guarded = (t: string): string =>
  `INSERT INTO ${t} AS x (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v WHERE excluded.v >= x.v`

export const dataModifyingWith = (t: string): string =>
  `WITH gone AS (DELETE FROM ${t} WHERE k = 1000 RETURNING k) INSERT INTO ${t} (k) SELECT k + 1 FROM gone`

export const only = ({ rows }: Answer): string => rows[0]?.[0] ?? 'null'

/** All that the relay remembers itself in is there, made by someone else. */
const OWN_TABLES_WRITABLE = `
  SELECT count(*) = 6 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'cdc_relay' AND has_schema_privilege(n.oid, 'USAGE')
    AND (c.relname IN ('relays', 'positions', 'tables', 'lessons') AND has_table_privilege(c.oid, 'SELECT')
        AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')
      OR c.relname = 'schema_version' AND has_table_privilege(c.oid, 'SELECT')
      OR c.relname = 'dead_letters' AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT'))`
