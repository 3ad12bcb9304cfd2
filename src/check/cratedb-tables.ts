import { arrayLiteral, quotedElement } from '../sinks/sql/cratedb/rows/array-literal.ts'
import type { Check } from './check.ts'
import { type CheckContext, outcome } from './context.ts'
import { stored } from './cratedb-batches.ts'
import { isAtLeast } from './server.ts'

const ENDS = ['-9223372036854775808', '9223372036854775807']

/** What the catalogue tells of tables, how they grow, and what their columns refuse. Seen on 5.10.16 and 6.4.3. */
export const CRATEDB_TABLES: readonly Check[] = [
  {
    id: 'C-46',
    what: '-2^63 and 2^63 - 1 in BIGINT: each alone, and both beside another row by unnest',
    expected: 'refused, refused; one of three written, without an error',
    decides: 'such values lie in cdc_extra; as keys they are dead letters',
    otherwise: 'Nothing: what cdc_extra holds is right in any case.',
    async find(context) {
      const { ask, mustRun, t } = context
      const alone: string[] = []
      for (const [at, n] of ENDS.entries()) {
        const { errors } = await ask(`INSERT INTO ${t} (k, n) VALUES ($1, $2)`, [`460${at}`, n])
        alone.push(errors.length > 0 ? 'refused' : 'accepted')
      }
      const { rows } = await mustRun(
        `INSERT INTO ${t} (k, n) (SELECT k, n FROM unnest($1::array(bigint), $2::array(bigint)) AS u (k, n)) RETURNING k`,
        ['{4610,4611,4612}', `{${ENDS[0]},${ENDS[1]},7}`],
      )
      return `${alone.join(', ')}; ${rows.length === 1 ? 'one' : rows.length} of three written, without an error`
    },
  },
  {
    id: 'C-47',
    what: 'is_nullable of a column that must not be null, and of another',
    expected: (server) => (isAtLeast(server, '6.1') ? 'NO, YES' : 'f, t'),
    decides: 'a table with a column that a deleted row would leave empty is refused at once',
    otherwise: 'If these words are others, such columns are overlooked, and deletes of their rows become dead letters.',
    async find(context) {
      await context.mustRun(`CREATE TABLE ${context.table('b47')} (k BIGINT PRIMARY KEY, n TEXT NOT NULL, o TEXT)`)
      return (await columnsOf(context, 'b47', 'is_nullable')).slice(1).join(', ')
    },
  },
  {
    id: 'C-48',
    what: 'keys of 32,765 and 32,766 bytes, and beside a BIGINT of 24,560 and 32,700',
    expected: 'accepted, refused; accepted, refused',
    decides: 'longer keys are dead letters, before anything is sent',
    otherwise: 'If a shorter one is refused, it is a dead letter all the same.',
    async find({ ask, mustRun, table }) {
      const [one, two] = [table('b48'), table('c48')]
      await mustRun(`CREATE TABLE ${one} (k TEXT PRIMARY KEY)`)
      await mustRun(`CREATE TABLE ${two} (k TEXT, n BIGINT, PRIMARY KEY (k, n))`)
      const tried = async (text: string, bytes: number) => {
        const { errors } = await ask(text, ['x'.repeat(bytes)])
        return errors.length > 0 ? 'refused' : 'accepted'
      }
      const [alone, beside] = [`INSERT INTO ${one} (k) VALUES ($1)`, `INSERT INTO ${two} (k, n) VALUES ($1, 7)`]
      const found = [await tried(alone, 32_765), await tried(alone, 32_766)]
      return `${found.join(', ')}; ${await tried(beside, 24_560)}, ${await tried(beside, 32_700)}`
    },
  },
  {
    id: 'C-49',
    what: `PRIMARY KEY (pk['id'], pk['n']): key_column_usage, and SHOW CREATE TABLE`,
    expected: `pk, pk; PRIMARY KEY ("pk"['id'], "pk"['n'])`,
    decides: `tables of CrateDB's toolkit are known by what SHOW CREATE TABLE says of their key`,
    otherwise: 'Such a table may be refused: let the relay make one.',
    async find(context) {
      const t = context.table('b49')
      await context.mustRun(
        `CREATE TABLE ${t} (pk OBJECT(STRICT) AS (id TEXT, n BIGINT), PRIMARY KEY (pk['id'], pk['n']))`,
      )
      const usage = await context.mustRun(
        `SELECT column_name FROM information_schema.key_column_usage
         WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position`,
        [context.place!.schema, `${context.place!.prefix}b49`],
      )
      const { rows } = await context.mustRun(`SHOW CREATE TABLE ${t}`)
      return `${usage.rows.flat().join(', ')}; ${/PRIMARY KEY \(.*\)/.exec(rows[0]?.[0] ?? '')?.[0] ?? 'no key'}`
    },
  },
  {
    id: 'C-54',
    what: 'texts with quotes, backslashes, brackets, commas and control characters, as elements of one array',
    expected: 'kept',
    decides: 'rows travel as texts of arrays, in which quotes and backslashes alone are escaped',
    otherwise:
      'Texts would be stored otherwise than they came: do not write to this server, and report what was found.',
    async find(context) {
      const { t } = context
      const texts = ['a"b', '\\', '\\n', '\\u0041', '"\\"', '{"a",b}', 'NULL', '', 'a\nb\t\u0001\u2028', "'ä😀"]
      await context.mustRun(
        `INSERT INTO ${t} (k, s) (SELECT k, s FROM unnest($1::array(bigint), $2::array(text)) AS u (k, s))`,
        [arrayLiteral(texts.map((_, at) => `${5400 + at}`)), arrayLiteral(texts.map(quotedElement))],
      )
      const others: string[] = []
      for (const [at, text] of texts.entries()) {
        const back = await stored(context, `${5400 + at}`, 's')
        if (back !== text) others.push(`${JSON.stringify(text)} came back as ${JSON.stringify(back)}`)
      }
      return others.length === 0 ? 'kept' : others.join('; ')
    },
  },
  {
    id: 'C-55',
    what: 'one ALTER TABLE with 100 columns; with one that is there among them',
    expected: '100 added; refused, none added',
    decides: 'new columns come by one statement',
    otherwise:
      'If it is refused, new columns of the source stop the relay: add them yourself, with --on-schema-change ignore.',
    async find(context) {
      const t = context.table('b55')
      await context.mustRun(`CREATE TABLE ${t} (k BIGINT PRIMARY KEY)`)
      const add = (names: readonly string[]) =>
        `ALTER TABLE ${t} ${names.map((name) => `ADD COLUMN ${name} TEXT`).join(', ')}`
      await context.mustRun(add(Array.from({ length: 100 }, (_, at) => `c${at}`)))
      const added = (await columnsOf(context, 'b55', 'column_name')).length - 1
      const again = outcome(await context.ask(add(['d0', 'c0', 'd1'])))
      const more = (await columnsOf(context, 'b55', 'column_name')).length - 1 - added
      return `${added} added; ${again.startsWith('refused') ? 'refused' : again}, ${more === 0 ? 'none' : more} added`
    },
  },
  {
    id: 'C-56',
    what: 'null, [] and [null] as new members of OBJECT(DYNAMIC), then 1, ["a"] and [1.5]',
    expected: 'bigint, text_array, double precision_array',
    decides: 'objects=dynamic: the first value gives a member its type',
    otherwise: 'Documents lie in OBJECT(IGNORED) unless objects= in the URL says otherwise: leave it so.',
    async find(context) {
      await context.mustRun(`CREATE TABLE ${context.table('b56')} (k BIGINT PRIMARY KEY, o OBJECT(DYNAMIC))`)
      for (const [at, object] of ['{"u":null,"e":[],"n":[null]}', '{"u":1,"e":["a"],"n":[1.5]}'].entries()) {
        await context.mustRun(`INSERT INTO ${context.table('b56')} (k, o) VALUES ($1, $2)`, [`${at}`, object])
      }
      const names = await columnsOf(context, 'b56', 'column_name')
      const types = await columnsOf(context, 'b56', 'data_type')
      return ['u', 'e', 'n'].map((member) => types[names.indexOf(`o['${member}']`)] ?? 'none').join(', ')
    },
  },
  {
    id: 'C-57',
    what: 'VARCHAR(5) in the catalogue; six characters in it',
    expected: 'text, 5; refused',
    decides: 'values that are too long lie in cdc_extra',
    otherwise: 'If they are cut, texts are altered in silence: make such columns TEXT.',
    async find(context) {
      await context.mustRun(`CREATE TABLE ${context.table('b57')} (k BIGINT PRIMARY KEY, c VARCHAR(5))`)
      const told = [
        await columnsOf(context, 'b57', 'data_type'),
        await columnsOf(context, 'b57', 'character_maximum_length'),
      ]
      const { errors } = await context.ask(`INSERT INTO ${context.table('b57')} (k, c) VALUES ($1, $2)`, [
        '1',
        '123456',
      ])
      return `${told.map((texts) => texts[1]).join(', ')}; ${errors.length > 0 ? 'refused' : 'accepted'}`
    },
  },
]

/** What the catalogue says of each column of a table, members of objects included. */
async function columnsOf({ mustRun, place }: CheckContext, table: string, asked: string): Promise<(string | null)[]> {
  const { rows } = await mustRun(
    `SELECT ${asked} FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position`,
    [place!.schema, `${place!.prefix}${table}`],
  )
  return rows.map(([value]) => value ?? null)
}
