import type { Check } from './check.ts'
import { type CheckContext, worked } from './context.ts'
import { stored, upsertOne } from './cratedb-batches.ts'
import { isAtLeast } from './server.ts'
import { type Answer, ask, askInBulk } from './wire.ts'

/** How often a search is tried that should not see what was just written: a refresh may come between by chance. */
const TRIES = 3

/** When writes take effect, and who sees them. https://cratedb.com/docs/crate/reference/en/latest/general/occ.html, https://cratedb.com/docs/crate/reference/en/latest/sql/statements/refresh.html */
export const CRATEDB_VISIBILITY: readonly Check[] = [
  {
    id: 'C-03',
    what: 'BEGIN, INSERT, end the connection; look for the row from another one',
    expected: 'the row is there',
    decides: 'no transactions: rows first, then positions, each safe to repeat',
    otherwise: 'Nothing: what is right without transactions is right with them.',
    async find(context) {
      const wire = await context.another()
      worked(await ask(wire, 'BEGIN'))
      worked(await ask(wire, `INSERT INTO ${context.t} (k) VALUES (300)`))
      await wire.close()
      return (await stored(context, '300', 'k')) === null ? 'no row' : 'the row is there'
    },
  },
  {
    id: 'C-17',
    what: 'insert; at once SELECT by the key',
    expected: 'the row',
    decides: 'the relay reads positions by their key, right after they were written',
    otherwise: 'Positions could be read stale: this server must not be written to.',
    async find(context) {
      await context.mustRun(`INSERT INTO ${context.t} (k) VALUES (1700)`)
      return seen(await context.mustRun(`SELECT k FROM ${context.t} WHERE k = 1700`))
    },
  },
  {
    id: 'C-18',
    what: 'insert; at once SELECT by another column; the same after REFRESH',
    expected: 'no row, then the row',
    decides: 'what readers see, and when',
    otherwise: 'Nothing: the relay reads by keys.',
    find: (context) =>
      beforeAndAfterRefresh(context, (k) => [`SELECT k FROM ${context.t} WHERE s = $1`, [`s${k}`]], 1800),
  },
  {
    id: 'C-19',
    what: 'insert version 1; at once DELETE by the key and v < 2',
    expected: (server) => (isAtLeast(server, '5.5.3') ? 'DELETE 0' : 'DELETE 1'),
    decides: 'no guarded DELETE: rows are marked as deleted by guarded upserts',
    otherwise: 'Nothing: the relay sends no such DELETE.',
    async find(context) {
      let tag = ''
      for (let k = 1900; k < 1900 + TRIES && tag !== 'DELETE 0'; k++) {
        await context.mustRun(`INSERT INTO ${context.t} (k, v) VALUES ($1, 1)`, [`${k}`])
        tag = (await context.mustRun(`DELETE FROM ${context.t} WHERE k = $1 AND v < 2`, [`${k}`])).tags[0]!
      }
      return tag
    },
  },
  {
    id: 'C-20',
    what: 'insert RETURNING _seq_no, _primary_term; DELETE with both, twice',
    expected: 'DELETE 1, DELETE 0',
    decides: 'compare-and-set by the tokens of a row',
    otherwise: 'The relay cannot fence its positions on this server: it must not be written to.',
    async find({ mustRun, t }) {
      const { rows } = await mustRun(`INSERT INTO ${t} (k) VALUES (2000) RETURNING _seq_no, _primary_term`)
      const remove = () => mustRun(`DELETE FROM ${t} WHERE k = 2000 AND _seq_no = $1 AND _primary_term = $2`, rows[0]!)
      return `${(await remove()).tags[0]}, ${(await remove()).tags[0]}`
    },
  },
  {
    id: 'C-21',
    what: 'insert; at once SELECT … WHERE k = ANY($1); the same after REFRESH',
    expected: 'no row, then the row',
    decides: 'no look-up of many keys by an array',
    otherwise: 'Nothing: the relay looks keys up one by one.',
    find: (context) =>
      beforeAndAfterRefresh(context, (k) => [`SELECT k FROM ${context.t} WHERE k = ANY($1)`, [`{${k}}`]], 2100),
  },
  {
    id: 'C-22',
    what: 'insert 40 rows with a key of two columns; at once SELECT … WHERE (k1 = $1 AND k2 = $2) OR …; EXPLAIN it with 98 and 99 keys',
    expected: '40 found; Get, then Collect',
    decides:
      'rows are looked up 40 at a time: of n keys of c columns CrateDB tries (n + 1)^c combinations, and from 10,000 on it searches',
    otherwise:
      'If fewer than 40 are found, partial images would be laid over what a row was before: please report what was found.',
    async find(context) {
      const t = context.table('b22')
      await context.mustRun(
        `CREATE TABLE ${t} (k1 BIGINT, k2 BIGINT, PRIMARY KEY (k1, k2)) WITH (refresh_interval = 10000)`,
      )
      const keys = Array.from({ length: 40 }, (_, at) => [`${at}`, `${-at}`])
      for (const key of keys) await context.mustRun(`INSERT INTO ${t} (k1, k2) VALUES ($1, $2)`, key)
      const anyOf = (count: number, one: (at: number) => string) =>
        Array.from({ length: count }, (_, at) => one(at)).join(' OR ')
      const bound = anyOf(40, (at) => `(k1 = $${2 * at + 1} AND k2 = $${2 * at + 2})`)
      const found = await context.mustRun(`SELECT k1 FROM ${t} WHERE ${bound}`, keys.flat())
      const plan = async (count: number) => {
        // EXPLAIN takes no parameters.
        const { rows } = await context.mustRun(
          `EXPLAIN SELECT k1 FROM ${t} WHERE ${anyOf(count, (at) => `(k1 = ${at} AND k2 = ${-at})`)}`,
        )
        return /Get|Collect/.exec(rows.flat().join(' '))?.[0] ?? 'neither'
      }
      return `${found.rows.length} found; ${await plan(98)}, then ${await plan(99)}`
    },
  },
  {
    id: 'C-42',
    what: 'two connections upsert one key with the versions 1 to 1000, shuffled',
    expected: 'version 1000 stands',
    decides: 'guarded upserts of several writers',
    otherwise: 'Older changes would replace newer ones: this server must not be written to.',
    async find(context) {
      const wires = [await context.another(), await context.another()]
      await Promise.all(wires.map((wire, at) => upsertAll(wire, context.t, SHUFFLED.slice(at * 500, at * 500 + 500))))
      return `version ${await stored(context, '4200', 'v')} stands`
    },
  },
  {
    id: 'C-43',
    what: 'two connections UPDATE with the same tokens, RETURNING the new ones',
    expected: 'a row for one, none for the other',
    decides: 'two relays of one name: one goes on, the other stops',
    otherwise: 'The relay cannot fence its positions on this server: it must not be written to.',
    async find(context) {
      const { rows } = await context.mustRun(
        `INSERT INTO ${context.t} (k) VALUES (4300) RETURNING _seq_no, _primary_term`,
      )
      const wires = [await context.another(), await context.another()]
      const update = `UPDATE ${context.t} SET s = $1 WHERE k = 4300 AND _seq_no = $2 AND _primary_term = $3 RETURNING _seq_no, _primary_term`
      const answers = await Promise.all(wires.map((wire, at) => ask(wire, update, [`writer ${at}`, ...rows[0]!])))
      const counts = answers.map((answer) => worked(answer).rows.length).toSorted()
      return counts.join() === '0,1' ? 'a row for one, none for the other' : `rows: ${counts.join(' and ')}`
    },
  },
]

/** 1 to 1000, each once: 389 has no factor in common with 1000. */
const SHUFFLED = Array.from({ length: 1000 }, (_, at) => ((at * 389) % 1000) + 1)

async function upsertAll(wire: Parameters<typeof ask>[0], t: string, versions: readonly number[]): Promise<void> {
  for (let at = 0; at < versions.length; at += 50) {
    const binds = versions.slice(at, at + 50).map((version) => ['4200', `${version}`, `${version}`])
    worked(await askInBulk(wire, upsertOne(t), binds))
  }
}

const seen = ({ rows }: Answer): string => (rows.length === 0 ? 'no row' : 'the row')

async function beforeAndAfterRefresh(
  context: CheckContext,
  search: (k: number) => readonly [text: string, values: readonly string[]],
  first: number,
): Promise<string> {
  let found = ''
  for (let k = first; k < first + TRIES && !found.startsWith('no row'); k++) {
    await context.mustRun(`INSERT INTO ${context.t} (k, s) VALUES ($1, $2)`, [`${k}`, `s${k}`])
    const before = await context.mustRun(...search(k))
    await context.mustRun(`REFRESH TABLE ${context.t}`)
    found = `${seen(before)}, then ${seen(await context.mustRun(...search(k)))}`
  }
  return found
}
