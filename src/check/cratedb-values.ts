import { isDeepStrictEqual } from 'node:util'
import { parseJson } from '../parse-json.ts'
import type { Check } from './check.ts'
import { type CheckContext, outcome } from './context.ts'
import { stored, TOO_LONG } from './cratedb-batches.ts'

/** What becomes of values. https://cratedb.com/docs/crate/reference/en/latest/general/ddl/data-types.html */
export const CRATEDB_VALUES: readonly Check[] = [
  {
    id: 'C-23',
    what: 'a key with a dot in OBJECT(DYNAMIC)',
    // To a user with few rights it says `Missing privilege for user` instead of why.
    expected: 'refused',
    decides: 'objects=dynamic: such keys are escaped',
    otherwise: 'Nothing: the relay escapes them in any case.',
    find: async (context) => outcome(await insertObject(context, 2300, 'o', '{"a.b":1}')),
  },
  {
    id: 'C-24',
    what: 'keys with a dot, with brackets, an empty one and one of the system in OBJECT(IGNORED)',
    expected: 'kept',
    decides: 'documents with such keys',
    otherwise: 'Nothing: the relay escapes them in any case.',
    find: (context) => keptAs(context, 2400, 'i', '{"a.b":1,"c[d]":2,"":3,"_id":4}'),
  },
  {
    id: 'C-25',
    what: '1, then 1.5 under one new key of OBJECT(DYNAMIC)',
    expected: 'stored as 1',
    decides: 'documents lie in OBJECT(IGNORED) by default',
    otherwise: 'Nothing: objects=dynamic writes all numbers one way.',
    async find(context) {
      await context.mustRun(`INSERT INTO ${context.t} (k, o) VALUES ($1, $2)`, ['2500', '{"y25":1}'])
      const answer = await insertObject(context, 2501, 'o', '{"y25":1.5}')
      if (answer.errors.length > 0) return outcome(answer)
      return `stored as ${numberIn(await stored(context, '2501', 'o'))}`
    },
  },
  {
    id: 'C-26',
    what: '1, 1.5, "x" and a mixed, nested list under one key of OBJECT(IGNORED)',
    expected: 'all kept',
    decides: 'documents lie in OBJECT(IGNORED) by default',
    otherwise:
      'Mixed lists would be lost: versions 5.8.4, and 6.0.0 to 6.2.1 inside of lists of objects, are known for it; upgrade.',
    async find(context) {
      const kept: string[] = []
      for (const [at, value] of ['1', '1.5', '"x"', '[1,"a",null,{"b":[]}]'].entries())
        kept.push(await keptAs(context, 2600 + at, 'i', `{"y26":${value}}`))
      return kept.every((found) => found === 'kept') ? 'all kept' : kept.join('; ')
    },
  },
  {
    id: 'C-27',
    what: '2^63 - 1, 2^63 and an integer of 38 digits in OBJECT(IGNORED)',
    expected: 'stored as 9223372036854775807, then refused, refused',
    decides: 'exact numbers: whole ones of 64 bits are kept as they are, others as text',
    otherwise: 'If 2^63 - 1 is not stored as it is, documents lose digits: please report what was found.',
    async find(context) {
      const largest = await numberAs(context, 2700, '9223372036854775807')
      const larger = ['9223372036854775808', '12345678901234567890123456789012345678']
      const others: string[] = []
      for (const [at, number] of larger.entries()) {
        const found = await numberAs(context, 2701 + at, number)
        others.push(found.startsWith('refused') ? 'refused' : found)
      }
      return `${largest}, then ${others.join(', ')}`
    },
  },
  {
    id: 'C-28',
    what: 'a decimal of 19 digits in OBJECT(IGNORED)',
    expected: 'rounded to a double',
    decides: 'exact numbers: the relay keeps such decimals as text',
    otherwise: 'Nothing: exact text is right in any case.',
    async find(context) {
      const found = await numberAs(context, 2800, '0.1234567890123456789')
      return /^stored as 0\.12345678901234\d{1,3}$/.test(found) ? `rounded to a double (${found})` : found
    },
  },
  {
    id: 'C-29',
    what: 'a guarded upsert that brings a new key into OBJECT(DYNAMIC)',
    expected: 'accepted, with a new column',
    decides: 'objects=dynamic',
    otherwise: 'Documents lie in OBJECT(IGNORED) unless objects= in the URL says otherwise: leave it so.',
    async find(context) {
      await context.mustRun(`INSERT INTO ${context.t} (k, v) VALUES (2900, 1)`)
      const answer = await context.ask(
        `INSERT INTO ${context.t} (k, o, v) VALUES ($1, $2, $3) ON CONFLICT (k) DO UPDATE SET
           o = CASE WHEN excluded.v > coalesce(v, -1) THEN excluded.o ELSE o END,
           v = CASE WHEN excluded.v > coalesce(v, -1) THEN excluded.v ELSE v END`,
        ['2900', '{"y29":1}', '2'],
      )
      if (answer.errors.length > 0) return outcome(answer)
      const { rows } = await context.mustRun(
        'SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2',
        [context.place!.schema, `${context.place!.prefix}a`],
      )
      const isColumn = rows.some(([name]) => name?.includes('y29'))
      return `accepted, ${isColumn ? 'with' : 'without'} a new column (${await stored(context, '2900', 'o')})`
    },
  },
  {
    id: 'C-30',
    what: 'a text of 32,767 characters',
    expected: 'refused',
    decides: 'columns of text are made with INDEX OFF and without column store',
    otherwise: 'Nothing: the relay makes them so in any case.',
    find: async ({ ask, t }) =>
      outcome(await ask(`INSERT INTO ${t} (k, s) VALUES ($1, $2)`, ['3000', 'x'.repeat(32_767)])),
  },
  {
    id: 'C-31',
    what: 'a text of 40,000 characters in OBJECT(IGNORED)',
    expected: 'kept',
    decides: 'documents with long texts',
    otherwise: 'Rows with texts over 32,766 bytes become dead letters.',
    find: (context) => keptAs(context, 3100, 'i', `{"s":"${TOO_LONG}"}`),
  },
  {
    id: 'C-32',
    what: 'U+0000 in a text, in a text by unnest, and in OBJECT(IGNORED)',
    expected: 'kept, kept, kept',
    decides: 'the relay writes it as it comes',
    otherwise: 'Rows with U+0000 become dead letters, or lose it: please report what was found.',
    async find(context) {
      const { t } = context
      const text = 'a\u0000b'
      await context.mustRun(`INSERT INTO ${t} (k, s) VALUES ($1, $2)`, ['3200', text])
      await context.mustRun(
        `INSERT INTO ${t} (k, s) (SELECT k, s FROM unnest($1::array(bigint), $2::array(text)) AS u (k, s))`,
        ['{3201}', `{"${text}"}`],
      )
      const texts = [await stored(context, '3200', 's'), await stored(context, '3201', 's')]
      const kept = texts.map((back) => (back === text ? 'kept' : `came back as ${JSON.stringify(back)}`))
      return [...kept, await keptAs(context, 3202, 'i', '{"s":"a\\u0000b"}')].join(', ')
    },
  },
  {
    id: 'C-35',
    what: "'2024-01-01T00:00:00.123456Z'::timestamptz",
    expected: 'milliseconds',
    decides: 'times with microseconds are kept beside as text or bigint',
    otherwise: 'Nothing: what is kept is right in any case.',
    async find({ mustRun }) {
      const { rows } = await mustRun(`SELECT '2024-01-01T00:00:00.123456Z'::timestamptz`)
      const value = rows[0]?.[0] ?? 'null'
      return /\.123(?!\d)/.test(value) ? `milliseconds (${value})` : value
    },
  },
]

const insertObject = (context: CheckContext, k: number, column: 'o' | 'i', object: string) =>
  context.ask(`INSERT INTO ${context.t} (k, ${column}) VALUES ($1, $2)`, [`${k}`, object])

/** `kept` if the object comes back as it went. */
async function keptAs(context: CheckContext, k: number, column: 'o' | 'i', object: string): Promise<string> {
  const answer = await insertObject(context, k, column, object)
  if (answer.errors.length > 0) return outcome(answer)
  const back = await stored(context, `${k}`, column)
  if (back === null) return `not stored, though ${answer.tags[0]}`
  return isDeepStrictEqual(parseJson(back), parseJson(object)) ? 'kept' : `came back as ${back.slice(0, 100)}`
}

async function numberAs(context: CheckContext, k: number, number: string): Promise<string> {
  const answer = await insertObject(context, k, 'i', `{"n":${number}}`)
  return answer.errors.length > 0 ? outcome(answer) : `stored as ${numberIn(await stored(context, `${k}`, 'i'))}`
}

/** The digits as they came: JSON.parse would round them itself. */
const numberIn = (json: string | null): string => /:\s*([^}\s]+)/.exec(json ?? '')?.[1] ?? `${json}`
