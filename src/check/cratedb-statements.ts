import type { Check } from './check.ts'
import { errorContaining, outcome, syntaxOutcome, worked } from './context.ts'
import { isAtLeast } from './server.ts'
import { ask, copy } from './wire.ts'

/** Which statements CrateDB takes. https://cratedb.com/docs/crate/reference/en/latest/appendices/compatibility.html */
export const CRATEDB_STATEMENTS: readonly Check[] = [
  {
    id: 'C-02',
    what: 'ROLLBACK',
    expected: 'syntax error',
    decides: 'the relay never sends ROLLBACK',
    otherwise: 'Nothing: the relay sends none in any case.',
    find: async ({ ask }) => syntaxOutcome(await ask('ROLLBACK')),
  },
  {
    id: 'C-04',
    what: 'BEGIN, then SAVEPOINT a',
    expected: 'syntax error',
    decides: 'no savepoints: rows that are refused are found by their absence',
    otherwise: 'Nothing: the relay sends none in any case.',
    async find(context) {
      const wire = await context.another()
      worked(await ask(wire, 'BEGIN'))
      return syntaxOutcome(await ask(wire, 'SAVEPOINT a'))
    },
  },
  {
    id: 'C-05',
    what: 'COPY … FROM STDIN',
    expected: 'refused',
    decides: 'rows travel as arrays, not by COPY',
    otherwise: 'Nothing: the relay writes arrays in any case.',
    async find(context) {
      const answer = await copy(await context.another(), `COPY ${context.t} FROM STDIN`, null)
      return answer.copies ? 'the server asks for the data' : outcome(answer)
    },
  },
  {
    id: 'C-06',
    what: 'INSERT … ON CONFLICT (k) DO UPDATE SET … WHERE excluded.v > a.v',
    expected: 'syntax error',
    decides: 'the guard of an upsert stands in a CASE of each assignment',
    otherwise: 'Nothing: the CASE is right as well.',
    find: async ({ ask, t }) =>
      syntaxOutcome(
        await ask(
          `INSERT INTO ${t} (k, v) VALUES (600, 1) ON CONFLICT (k) DO UPDATE SET s = excluded.s WHERE excluded.v > a.v`,
        ),
      ),
  },
  {
    id: 'C-07',
    what: 'INSERT … DO UPDATE SET v = CASE WHEN excluded.v > a.v … (existing value with its table)',
    expected: 'refused',
    decides: 'existing values are written without their table',
    otherwise: 'Nothing: the relay writes them without in any case (C-08).',
    find: async ({ ask, t }) => outcome(await ask(guardedBy(t, 'a.v'))),
  },
  {
    id: 'C-08',
    what: 'the same with v alone',
    expected: 'accepted',
    decides: 'the guard of an upsert',
    otherwise: 'The relay cannot mirror to this version: its upserts are refused.',
    find: async ({ ask, t }) => outcome(await ask(guardedBy(t, 'v'))),
  },
  {
    id: 'C-33',
    what: 'ALTER TABLE … ADD COLUMN IF NOT EXISTS',
    expected: 'syntax error',
    decides: 'columns are looked up before they are added',
    otherwise: 'Nothing: the relay looks them up in any case.',
    find: async ({ ask, t }) => syntaxOutcome(await ask(`ALTER TABLE ${t} ADD COLUMN IF NOT EXISTS z33 TEXT`)),
  },
  {
    id: 'C-34',
    what: 'ADD COLUMN twice',
    expected: 'refused: already has a column named',
    decides: 'a column that somebody else added meanwhile counts as added',
    otherwise: 'Two relays that add one column at the same moment stop; started again they go on.',
    async find({ ask, mustRun, t }) {
      await mustRun(`ALTER TABLE ${t} ADD COLUMN z34 TEXT`)
      return errorContaining(await ask(`ALTER TABLE ${t} ADD COLUMN z34 TEXT`), 'already has a column named')
    },
  },
  {
    id: 'C-36',
    what: 'a column NUMERIC without precision',
    expected: 'refused',
    decides: 'how exact numbers are kept',
    otherwise: 'Nothing: the relay makes no such column.',
    find: async ({ ask, table }) =>
      outcome(await ask(`CREATE TABLE ${table('b36')} (k BIGINT PRIMARY KEY, x NUMERIC)`)),
  },
  {
    id: 'C-37',
    what: 'a column with an underscore in front',
    expected: (server) => (isAtLeast(server, '6.2') ? 'accepted' : 'refused'),
    decides: 'names of columns: the relay escapes such underscores',
    otherwise: 'Nothing: the relay escapes them in any case.',
    find: async ({ ask, table }) => outcome(await ask(`CREATE TABLE ${table('b37')} (k BIGINT PRIMARY KEY, _x TEXT)`)),
  },
  {
    id: 'C-41',
    what: 'pg_advisory_lock, CREATE TEMP TABLE, LOCK TABLE',
    expected: 'all refused',
    decides: 'a relay is fenced by the tokens of its positions, not by locks',
    otherwise: 'Nothing: the relay uses none of them here.',
    async find({ ask, t }) {
      const accepted: string[] = []
      for (const text of ['SELECT pg_advisory_lock(1)', 'CREATE TEMP TABLE b41 (k BIGINT)', `LOCK TABLE ${t}`])
        if ((await ask(text)).errors.length === 0) accepted.push(text)
      return accepted.length === 0 ? 'all refused' : `accepted: ${accepted.join(', ')}`
    },
  },
]

const guardedBy = (t: string, existing: string): string =>
  `INSERT INTO ${t} (k, v) VALUES (700, 1) ON CONFLICT (k)
   DO UPDATE SET v = CASE WHEN excluded.v > ${existing} THEN excluded.v ELSE ${existing} END`
