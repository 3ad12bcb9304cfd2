import type { Check } from './check.ts'
import { type CheckContext, outcome, shown, syntaxOutcome, worked } from './context.ts'
import { dataModifyingWith, only } from './postgresql.ts'
import type { Server } from './server.ts'
import { ask, copy, type Wire } from './wire.ts'

const isSix = ({ kind }: Server): boolean => kind === 'Greenplum 6'

/** What Greenplum 6, 7 and Cloudberry do otherwise than PostgreSQL, and their locks. https://docs.vmware.com/en/VMware-Greenplum/7/greenplum-database/admin_guide-dml.html */
export const GREENPLUM: readonly Check[] = [
  {
    id: 'G-01',
    what: 'what the server calls itself',
    expected: ({ kind }) => kind,
    decides: 'the dialect: Greenplum 6 is written to through a staging table',
    otherwise: '',
    find: async ({ server }) => `${server.kind} (${server.version})`,
  },
  {
    id: 'G-02',
    what: 'SHOW gp_enable_global_deadlock_detector',
    expected: 'on or off',
    open: true,
    decides: 'with off, an UPDATE or DELETE locks its whole table: one relay for each table, reports go on reading',
    otherwise: '',
    find: detector,
  },
  {
    id: 'G-03',
    what: 'INSERT … ON CONFLICT DO UPDATE … WHERE',
    expected: (server) => (isSix(server) ? 'syntax error' : 'accepted'),
    decides: 'upserts; Greenplum 6 stages, deletes and inserts',
    otherwise: 'The relay cannot write to this server: please report its version.',
    find: async ({ ask, t }) =>
      syntaxOutcome(
        await ask(
          `INSERT INTO ${t} AS x (k, v) VALUES (300, 1) ON CONFLICT (k) DO UPDATE SET v = excluded.v WHERE excluded.v >= x.v`,
        ),
      ),
  },
  {
    id: 'G-04',
    what: 'the same with the key column in SET',
    expected: 'refused',
    decides: 'SET never holds columns of the key',
    otherwise: 'Nothing: the relay leaves them out in any case.',
    find: async ({ ask, t }) =>
      outcome(await ask(`INSERT INTO ${t} (k, v) VALUES (400, 1) ON CONFLICT (k) DO UPDATE SET k = excluded.k`)),
  },
  {
    id: 'G-05',
    what: 'ADD COLUMN IF NOT EXISTS',
    expected: (server) => (isSix(server) ? 'syntax error' : 'accepted'),
    decides: 'columns that the source gets; on Greenplum 6 they are looked up first',
    otherwise: 'Nothing on Greenplum 6; on others add new columns yourself.',
    find: async ({ ask, t }) => syntaxOutcome(await ask(`ALTER TABLE ${t} ADD COLUMN IF NOT EXISTS z5 text`)),
  },
  {
    id: 'G-06',
    what: 'a data-modifying WITH',
    expected: 'refused?',
    open: true,
    decides: 'nothing: the relay sends its parts one by one',
    otherwise: '',
    find: async ({ ask, t }) => outcome(await ask(dataModifyingWith(t))),
  },
  {
    id: 'G-07',
    what: 'DISTRIBUTED BY (k); what the catalogue says of it',
    expected: 'distributed by k',
    decides: 'tables are made so that a batch joins them on each segment, without moving rows',
    otherwise:
      'Nothing breaks: the relay does not read it. But merges of large batches may move rows between segments.',
    async find({ ask, t }) {
      const { rows, errors } = await ask(
        `SELECT a.attname FROM gp_distribution_policy p JOIN pg_attribute a ON a.attrelid = p.localoid AND a.attnum = ANY (p.distkey)
         WHERE p.localoid = '${t}'::regclass`,
      )
      return errors.length > 0
        ? `not said (${shown(errors[0]!)})`
        : `distributed by ${rows.flat().join(', ') || 'nothing'}`
    },
  },
  {
    id: 'G-08',
    what: 'PRIMARY KEY (a) DISTRIBUTED BY (b)',
    expected: 'refused',
    decides: 'tables are distributed by their key',
    otherwise: 'Nothing: the relay distributes them so in any case.',
    find: async ({ ask, table }) =>
      outcome(await ask(`CREATE TABLE ${table('b8')} (a bigint PRIMARY KEY, b bigint) DISTRIBUTED BY (b)`)),
  },
  {
    id: 'G-09',
    what: 'COPY into a temporary table in a transaction; ON COMMIT DELETE ROWS',
    expected: 'COPY 2, empty after COMMIT',
    decides: 'all batches, go through such a table',
    otherwise: 'The relay cannot stage batches on this server: please report what was found.',
    async find(context) {
      const wire = await context.another()
      worked(await ask(wire, 'CREATE TEMP TABLE stage9 (k bigint, s text) ON COMMIT DELETE ROWS DISTRIBUTED BY (k)'))
      worked(await ask(wire, 'BEGIN'))
      const { tags } = worked(await copy(wire, 'COPY stage9 (k, s) FROM STDIN', '1\ta\n2\t\\N\n'))
      const inside = only(worked(await ask(wire, 'SELECT count(*) FROM stage9')))
      worked(await ask(wire, 'COMMIT'))
      const left = only(worked(await ask(wire, 'SELECT count(*) FROM stage9')))
      if (inside !== '2') return `${tags[0]}, ${inside} rows in the transaction`
      return `${tags[0]}, ${left === '0' ? 'empty' : `${left} rows`} after COMMIT`
    },
  },
  {
    id: 'G-10',
    what: 'the lock that UPDATE takes on its table',
    expected: 'as the deadlock detector says',
    decides: 'positions come last in a transaction: until COMMIT no other relay moves its own',
    otherwise: 'Relays may wait longer for each other than they need to.',
    find: (context) => lockTaken(context, `UPDATE ${context.t} SET v = 1 WHERE k = 1001`),
  },
  {
    id: 'G-11',
    what: 'two transactions insert, and then delete what they inserted',
    expected: 'as the deadlock detector says',
    decides: 'a transaction takes its strongest lock first',
    otherwise: 'Nothing: the relay takes its locks in the right order in any case.',
    async find(context) {
      const wires = [await context.another(), await context.another()]
      for (const [at, wire] of wires.entries()) {
        worked(await ask(wire, 'BEGIN'))
        worked(await ask(wire, `INSERT INTO ${context.t} (k) VALUES (${1101 + at})`))
      }
      const answers = await Promise.all(wires.map((wire, at) => deleteAndEnd(wire, context.t, 1101 + at)))
      const codes = answers.filter((code) => code !== null)
      const found = codes.length === 0 ? 'both go on' : `one gives up with ${codes.join(' and ')}`
      const expected = (await detector(context)) === 'on' ? 'both go on' : 'one gives up with 40P01'
      return found === expected ? `as the deadlock detector says (${found})` : found
    },
  },
  {
    id: 'G-12',
    what: 'LOCK TABLE … IN EXCLUSIVE MODE by two transactions',
    expected: 'the second waits',
    decides: 'on Greenplum 6 and with staged batches: the turns of writers',
    otherwise: 'Two relays on one table could disturb each other: run one relay for each table.',
    async find(context) {
      const [one, other] = [await context.another(), await context.another()]
      for (const wire of [one, other]) worked(await ask(wire, 'BEGIN'))
      worked(await ask(one, `LOCK TABLE ${context.t} IN EXCLUSIVE MODE`))
      const { errors } = await ask(other, `LOCK TABLE ${context.t} IN EXCLUSIVE MODE NOWAIT`)
      return errors[0]?.code === '55P03' ? 'the second waits' : 'the second goes on'
    },
  },
  {
    id: 'G-13',
    what: 'a unique index on k of a table that is partitioned by another column; the same k in two partitions',
    expected: (server) => (isSix(server) ? 'accepted, and not enforced' : 'refused'),
    decides: 'no table that is partitioned by a column outside of its key is mirrored into',
    otherwise: 'Nothing: the relay refuses such a table in any case.',
    async find({ ask, table, server }) {
      const t = table('p13')
      const parts = isSix(server) ? '(START (0) END (2) EVERY (1))' : ''
      const by = isSix(server)
        ? `DISTRIBUTED BY (k) PARTITION BY RANGE (d) ${parts}`
        : 'PARTITION BY RANGE (d) DISTRIBUTED BY (k)'
      worked(await ask(`CREATE TABLE ${t} (k bigint, d int) ${by}`))
      const made = await ask(`CREATE UNIQUE INDEX ON ${t} (k)`)
      if (made.errors.length > 0) return outcome(made)
      const twice = await ask(`INSERT INTO ${t} VALUES (1, 0), (1, 1)`)
      return twice.errors.length > 0
        ? `accepted, and enforced (${shown(twice.errors[0]!)})`
        : 'accepted, and not enforced'
    },
  },
  {
    id: 'G-14',
    what: 'a table with a primary key where tables are append-optimised by default',
    expected: 'a heap',
    decides: 'tables are heaps, whatever the database makes by default',
    otherwise:
      'The relay cannot make tables on this server: make them yourself, as heaps, and use --create-tables never.',
    async find(context) {
      const [setting, storage] = isSix(context.server)
        ? [`gp_default_storage_options = 'appendonly=true'`, 'WITH (appendonly = false, fillfactor = 85)']
        : ['default_table_access_method = ao_row', 'USING heap WITH (fillfactor = 85)']
      const wire = await context.another()
      const t = context.table('h14')
      worked(await ask(wire, `SET ${setting}`))
      const made = await ask(wire, `CREATE TABLE ${t} (k bigint PRIMARY KEY) ${storage} DISTRIBUTED BY (k)`)
      if (made.errors.length > 0) return outcome(made)
      const found = await ask(
        wire,
        `SELECT coalesce(row_to_json(c)->>'relstorage', m.amname, 'heap') FROM pg_class c LEFT JOIN pg_am m ON m.oid = c.relam
         WHERE c.oid = '${t}'::regclass`,
      )
      const kind = only(worked(found))
      return kind === 'h' || kind === 'heap' ? 'a heap' : kind
    },
  },
]

/** As the server says it; one that does not know the setting says so. */
async function detector({ ask }: CheckContext): Promise<string> {
  const answer = await ask('SHOW gp_enable_global_deadlock_detector')
  return answer.errors.length > 0 ? outcome(answer) : only(answer)
}

async function lockTaken(context: CheckContext, text: string): Promise<string> {
  const wire = await context.another()
  worked(await ask(wire, 'BEGIN'))
  worked(await ask(wire, text))
  const { rows } = worked(
    await ask(
      wire,
      `SELECT DISTINCT mode FROM pg_locks WHERE relation = '${context.t}'::regclass AND pid = pg_backend_pid() AND granted`,
    ),
  )
  const modes = rows.flat()
  const expected = (await detector(context)) === 'on' ? 'RowExclusiveLock' : 'ExclusiveLock'
  const found = ['ExclusiveLock', 'RowExclusiveLock'].find((mode) => modes.includes(mode)) ?? modes.join(', ')
  return found === expected ? `as the deadlock detector says (${found})` : found
}

/** Null if the transaction went through, else why it did not. Ends it, so that the other one can go on. */
async function deleteAndEnd(wire: Wire, t: string, k: number): Promise<string | null> {
  const { errors } = await ask(wire, `DELETE FROM ${t} WHERE k = ${k}`)
  worked(await ask(wire, 'ROLLBACK'))
  return errors[0]?.code ?? null
}
