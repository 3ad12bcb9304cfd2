import type { Check } from './check.ts'
import { type CheckContext, errorContaining, outcome, shown, type Values, worked } from './context.ts'
import { isAtLeast } from './server.ts'
import { type Answer, ask, askInBulk } from './wire.ts'

/** Above the 32,766 bytes that an indexed text may have. */
export const TOO_LONG = 'x'.repeat(40_000)

const GUARD = `ON CONFLICT (k) DO UPDATE SET
  s = CASE WHEN excluded.v > coalesce(v, -1) THEN excluded.s ELSE s END,
  v = CASE WHEN excluded.v > coalesce(v, -1) THEN excluded.v ELSE v END`

/** One row, guarded: k, s, v. */
export const upsertOne = (t: string): string => `INSERT INTO ${t} (k, s, v) VALUES ($1, $2, $3) ${GUARD}`

const upsertArrays = (t: string): string =>
  `INSERT INTO ${t} (k, s, v) (SELECT k, s, v FROM unnest($1::array(bigint), $2::array(text), $3::array(bigint)) AS u (k, s, v))
   ${GUARD} RETURNING k, v`

/** What one batch answers. https://cratedb.com/docs/crate/reference/en/latest/general/dml.html, https://cratedb.com/docs/crate/reference/en/latest/interfaces/postgres.html */
export const CRATEDB_BATCHES: readonly Check[] = [
  {
    id: 'C-09',
    what: 'insert version 5, then a guarded upsert of version 4',
    expected: 'INSERT 0 1, version 5 stands',
    decides: 'superseded changes show in RETURNING, not in the count',
    otherwise:
      'If a version below 5 stands, this server must not be written to: older changes would replace newer ones.',
    async find(context) {
      await context.mustRun(upsertOne(context.t), ['900', 'five', '5'])
      const { tags } = await context.mustRun(upsertOne(context.t), ['900', 'four', '4'])
      return `${tags[0]}, version ${await stored(context, '900', 'v')} stands`
    },
  },
  {
    id: 'C-10',
    what: 'VALUES with one key twice and DO UPDATE',
    expected: 'INSERT 0 2, the later one stands',
    decides: 'a batch has each key once',
    otherwise: 'Nothing: the relay sends each key once in any case.',
    async find(context) {
      const answer = await context.ask(
        `INSERT INTO ${context.t} (k, s) VALUES (1000, 'first'), (1000, 'later') ON CONFLICT (k) DO UPDATE SET s = excluded.s`,
      )
      if (answer.errors.length > 0) return outcome(answer)
      return `${answer.tags[0]}, the ${await stored(context, '1000', 's')} one stands`
    },
  },
  {
    id: 'C-11',
    what: 'two rows whose objects disagree on the type of a new key',
    expected: 'no error, INSERT 0 1, one row stored',
    decides: 'the relay compares what came back with what it sent',
    otherwise: 'Rows that the server refuses are still found: each batch is compared with its answer.',
    async find(context) {
      const answer = await context.ask(`INSERT INTO ${context.t} (k, o) VALUES ($1, $2), ($3, $4)`, [
        '1100',
        '{"y11":1}',
        '1101',
        '{"y11":"abc"}',
      ])
      if (answer.errors.length > 0) return outcome(answer)
      const count = await countOf(context, ['1100', '1101'])
      return `no error, ${answer.tags[0]}, ${count === 1 ? 'one row' : `${count} rows`} stored`
    },
  },
  {
    id: 'C-11b',
    what: 'the same once the type of the key is known',
    expected: 'refused, nothing stored',
    decides: 'refused batches are taken apart',
    otherwise: 'Rows that the server refuses are still found: each batch is compared with its answer.',
    async find(context) {
      await context.mustRun(`INSERT INTO ${context.t} (k, o) VALUES ($1, $2)`, ['1110', '{"y11b":1}'])
      const answer = await context.ask(`INSERT INTO ${context.t} (k, o) VALUES ($1, $2), ($3, $4)`, [
        '1111',
        '{"y11b":1}',
        '1112',
        '{"y11b":"abc"}',
      ])
      const count = await countOf(context, ['1111', '1112'])
      return `${answer.errors.length > 0 ? 'refused' : 'accepted'}, ${count === 0 ? 'nothing' : count} stored`
    },
  },
  {
    id: 'C-12',
    what: 'guarded upsert of arrays with RETURNING: a stale row, one of 40,000 bytes, a new one',
    expected: 'stale 5, new 7',
    decides: 'applied (its own version comes back), superseded (another one), refused (missing)',
    otherwise:
      'The relay would count changes wrongly, or take refused rows for written ones: please report what was found.',
    async find(context) {
      await context.mustRun(upsertOne(context.t), ['1200', 'stored', '5'])
      return returned(
        worked(await context.ask(upsertArrays(context.t), mixedBatch('1200', '1201', '1202'))),
        '1200',
        '1202',
      )
    },
  },
  {
    id: 'C-13',
    what: 'the same after SET insert_select_fail_fast = true',
    expected: (server) => (isAtLeast(server, '6.0') ? 'refused' : 'stale 5, new 7'),
    decides: 'whether a batch can be made to fail at its first refused row',
    otherwise: 'Nothing: the relay does not set it.',
    async find(context) {
      const wire = await context.another()
      await context.mustRun(upsertOne(context.t), ['1300', 'stored', '5'])
      worked(await ask(wire, 'SET insert_select_fail_fast = true'))
      const answer = await ask(wire, upsertArrays(context.t), mixedBatch('1300', '1301', '1302'))
      return answer.errors.length > 0 ? outcome(answer) : returned(answer, '1300', '1302')
    },
  },
  {
    id: 'C-14',
    what: '32,767 and 32,768 parameters in one statement',
    expected: 'accepted, then refused',
    decides: 'statements have 32,767 parameters at most',
    otherwise: 'Nothing: the relay sends an array for each column, and far fewer.',
    find: async (context) =>
      `${await withParameters(context, 32_767, 32_767)}, then ${await withParameters(context, 32_768)}`,
  },
  {
    id: 'C-15',
    what: '65,536 parameters in one statement',
    expected: 'refused',
    decides: 'statements have 32,767 parameters at most',
    otherwise: 'Nothing: the relay sends an array for each column, and far fewer.',
    find: (context) => withParameters(context, 65_536),
  },
  {
    id: 'C-16',
    what: 'statements of 262,144 and of 262,145 characters, by Parse: a simple query has no limit',
    expected: (server) =>
      isAtLeast(server, '6.0') ? 'accepted, then refused: statement_max_length' : 'accepted, then accepted',
    decides: 'the text of a statement stays short, whatever the batch',
    otherwise: 'Nothing: the relay sends short ones, unless statement_max_length was set very low on the nodes.',
    async find(context) {
      const wire = await context.another()
      const ofLength = (length: number) => ask(wire, `SELECT '${'x'.repeat(length - "SELECT ''".length)}'`, [])
      const [most, more] = [await ofLength(262_144), await ofLength(262_145)]
      const refusal = errorContaining(more, 'statement_max_length')
      return `${shortly(most)}, then ${refusal.startsWith('accepted') ? 'accepted' : refusal}`
    },
  },
  {
    id: 'C-38',
    what: 'one INSERT, three binds, one Sync; the second has 40,000 bytes of text',
    expected: 'INSERT 0 1, INSERT 0 -3, INSERT 0 1',
    decides: 'what a bulk operation tells of each row',
    otherwise: 'Nothing: upserts are not sent so.',
    find: async ({ bulk, t }) =>
      told(
        await bulk(`INSERT INTO ${t} (k, s) VALUES ($1, $2)`, [
          ['3800', 'a'],
          ['3801', TOO_LONG],
          ['3802', 'c'],
        ]),
      ),
  },
  {
    id: 'C-39',
    what: 'the same; the second violates NOT NULL',
    // 6.4 finds it at the shard, 5.10 before anything is written.
    expected: 'INSERT 0 1, INSERT 0 -3, INSERT 0 1, or 3 errors and nothing stored',
    fits: (found) => found === 'INSERT 0 1, INSERT 0 -3, INSERT 0 1' || found === '3 errors and nothing stored',
    decides: 'rows are not written by bulk operations: they do not say why one failed',
    otherwise: 'Nothing: rows travel as arrays.',
    async find(context) {
      const table = context.table('b39')
      await context.mustRun(`CREATE TABLE ${table} (k BIGINT PRIMARY KEY, n BIGINT NOT NULL)`)
      const { errors, tags } = await askInBulk(await context.another(), `INSERT INTO ${table} (k, n) VALUES ($1, $2)`, [
        ['3900', '1'],
        ['3901', null],
        ['3902', '3'],
      ])
      if (errors.length === 0) return tags.join(', ')
      const count = await countOf(context, ['3900', '3901', '3902'], table)
      return `${errors.length} ${errors.length === 1 ? 'error' : 'errors'} and ${count === 0 ? 'nothing' : count} stored`
    },
  },
  {
    id: 'C-40',
    what: 'DELETE by key, two binds, one Sync; the second key is missing',
    expected: 'DELETE 1, DELETE -3',
    decides: '-3 is no failure of a delete',
    otherwise: 'Nothing: rows are marked as deleted by upserts.',
    async find({ mustRun, bulk, t }) {
      await mustRun(`INSERT INTO ${t} (k) VALUES (4000)`)
      return told(await bulk(`DELETE FROM ${t} WHERE k = $1`, [['4000'], ['4001']]))
    },
  },
]

function told({ errors, tags }: Answer): string {
  return [...tags, ...errors.map(shown)].join(', ')
}

/** A stale row, one that is refused, a new one; as arrays of keys, texts and versions. */
function mixedBatch(stale: string, poison: string, fresh: string): Values {
  return [`{${stale},${poison},${fresh}}`, `{"stale","${TOO_LONG}","new"}`, '{4,7,7}']
}

function returned({ rows }: Answer, stale: string, fresh: string): string {
  const names = new Map([
    [stale, 'stale'],
    [fresh, 'new'],
  ])
  const texts = rows.map(([k, v]) => `${names.get(k!) ?? 'refused'} ${v}`)
  return texts.length === 0 ? 'no rows' : texts.toSorted((one, other) => (one > other ? -1 : 1)).join(', ')
}

/** @param named how many of them the text names: with all of 65,536 it would be too long */
async function withParameters(context: CheckContext, count: number, named = 1): Promise<string> {
  const names = Array.from({ length: named }, (_, at) => `$${at + 1}`)
  const text = `SELECT k FROM ${context.t} WHERE k IN (${names.join()})`
  return shortly(await ask(await context.another(), text, new Array<string>(count).fill('1')))
}

const shortly = (answer: Answer): string => (answer.errors.length === 0 ? 'accepted' : outcome(answer))

/** A column of the row with this key, which needs no refresh. */
export async function stored(
  context: CheckContext,
  k: string,
  column: string,
  table = context.t,
): Promise<string | null> {
  return (await context.mustRun(`SELECT ${column} FROM ${table} WHERE k = $1`, [k])).rows[0]?.[0] ?? null
}

/** How many of these keys there are. */
async function countOf(context: CheckContext, keys: readonly string[], table = context.t): Promise<number> {
  let count = 0
  for (const k of keys) if ((await stored(context, k, 'k', table)) !== null) count++
  return count
}
