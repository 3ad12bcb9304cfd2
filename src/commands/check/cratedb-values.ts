import { isDeepStrictEqual } from 'node:util'
import type { Check } from './check.ts'
import { stored, TOO_LONG } from './cratedb-batches.ts'
import { outcome, outcomeNaming, type Scene } from './scene.ts'

/** What becomes of values. https://cratedb.com/docs/crate/reference/en/latest/general/ddl/data-types.html */
export const CRATEDB_VALUES: readonly Check[] = [
  {
    id: 'C-23',
    what: 'a key with a dot in OBJECT(DYNAMIC)',
    expected: 'refused: contains a dot',
    decides: '--crate-objects dynamic: such keys are escaped',
    otherwise: 'Nothing: the relay escapes them in any case.',
    find: async (scene) => outcomeNaming(await insertObject(scene, 2300, 'o', '{"a.b":1}'), 'contains a dot'),
  },
  {
    id: 'C-24',
    what: 'keys with a dot, with brackets and an empty one in OBJECT(IGNORED)',
    expected: 'kept?',
    open: true,
    decides: 'documents with such keys',
    otherwise: '',
    find: (scene) => keptAs(scene, 2400, 'i', '{"a.b":1,"c[d]":2,"":3}'),
  },
  {
    id: 'C-25',
    what: '1, then 1.5 under one new key of OBJECT(DYNAMIC)',
    expected: 'stored as 1',
    decides: 'documents lie in OBJECT(IGNORED) by default',
    otherwise: 'Nothing: --crate-objects dynamic writes all numbers one way.',
    async find(scene) {
      await scene.does(`INSERT INTO ${scene.t} (k, o) VALUES ($1, $2)`, ['2500', '{"y25":1}'])
      const answer = await insertObject(scene, 2501, 'o', '{"y25":1.5}')
      if (answer.errors.length > 0) return outcome(answer)
      return `stored as ${numberIn(await stored(scene, '2501', 'o'))}`
    },
  },
  {
    id: 'C-26',
    what: '1, 1.5, "x" and a mixed, nested list under one key of OBJECT(IGNORED)',
    expected: 'all kept',
    decides: 'documents lie in OBJECT(IGNORED) by default',
    otherwise:
      'Mixed lists would be lost: versions 5.8.4, and 6.0.0 to 6.2.1 inside of lists of objects, are known for it; upgrade.',
    async find(scene) {
      const kept: string[] = []
      for (const [at, value] of ['1', '1.5', '"x"', '[1,"a",null,{"b":[]}]'].entries())
        kept.push(await keptAs(scene, 2600 + at, 'i', `{"y26":${value}}`))
      return kept.every((found) => found === 'kept') ? 'all kept' : kept.join('; ')
    },
  },
  {
    id: 'C-27',
    what: 'an integer of 38 digits in OBJECT(IGNORED)',
    expected: 'refused, or a double?',
    open: true,
    decides: 'exact numbers: the relay keeps such integers as text',
    otherwise: '',
    find: (scene) => numberAs(scene, 2700, '12345678901234567890123456789012345678'),
  },
  {
    id: 'C-28',
    what: 'a decimal of 19 digits in OBJECT(IGNORED)',
    expected: 'rounded to a double',
    decides: 'exact numbers: the relay keeps such decimals as text',
    otherwise: 'Nothing: exact text is right in any case.',
    async find(scene) {
      const found = await numberAs(scene, 2800, '0.1234567890123456789')
      return /^stored as 0\.12345678901234\d{1,3}$/.test(found) ? `rounded to a double (${found})` : found
    },
  },
  {
    id: 'C-29',
    what: 'a guarded upsert that brings a new key into OBJECT(DYNAMIC)',
    expected: 'accepted, with a new column?',
    open: true,
    decides: '--crate-objects dynamic',
    otherwise: '',
    async find(scene) {
      await scene.does(`INSERT INTO ${scene.t} (k, v) VALUES (2900, 1)`)
      const answer = await scene.ask(
        `INSERT INTO ${scene.t} (k, o, v) VALUES ($1, $2, $3) ON CONFLICT (k) DO UPDATE SET
           o = CASE WHEN excluded.v > coalesce(v, -1) THEN excluded.o ELSE o END,
           v = CASE WHEN excluded.v > coalesce(v, -1) THEN excluded.v ELSE v END`,
        ['2900', '{"y29":1}', '2'],
      )
      if (answer.errors.length > 0) return outcome(answer)
      const { rows } = await scene.does(
        'SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2',
        [scene.schema.slice(1, -1), 'a'],
      )
      const isColumn = rows.some(([name]) => name?.includes('y29'))
      return `accepted, ${isColumn ? 'with' : 'without'} a new column (${await stored(scene, '2900', 'o')})`
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
    expected: 'kept?',
    open: true,
    decides: 'documents with long texts',
    otherwise: '',
    find: (scene) => keptAs(scene, 3100, 'i', `{"s":"${TOO_LONG}"}`),
  },
  {
    id: 'C-32',
    what: 'U+0000 in a text, and in OBJECT(IGNORED)',
    expected: 'refused, or kept?',
    open: true,
    decides: '--nul',
    otherwise: '',
    async find(scene) {
      const text = outcome(await scene.ask(`INSERT INTO ${scene.t} (k, s) VALUES ($1, $2)`, ['3200', 'a\u0000b']))
      return `text: ${text}; object: ${await keptAs(scene, 3201, 'i', '{"s":"a\\u0000b"}')}`
    },
  },
  {
    id: 'C-35',
    what: "'2024-01-01T00:00:00.123456Z'::timestamptz",
    expected: 'milliseconds',
    decides: 'times with microseconds are kept beside as text or bigint',
    otherwise: 'Nothing: what is kept is right in any case.',
    async find({ does }) {
      const { rows } = await does(`SELECT '2024-01-01T00:00:00.123456Z'::timestamptz`)
      const value = rows[0]?.[0] ?? 'null'
      return /\.123(?!\d)/.test(value) ? `milliseconds (${value})` : value
    },
  },
]

const insertObject = (scene: Scene, k: number, column: 'o' | 'i', object: string) =>
  scene.ask(`INSERT INTO ${scene.t} (k, ${column}) VALUES ($1, $2)`, [`${k}`, object])

/** `kept` if the object comes back as it went. */
async function keptAs(scene: Scene, k: number, column: 'o' | 'i', object: string): Promise<string> {
  const answer = await insertObject(scene, k, column, object)
  if (answer.errors.length > 0) return outcome(answer)
  const back = await stored(scene, `${k}`, column)
  if (back === null) return `not stored, though ${answer.tags[0]}`
  return isDeepStrictEqual(JSON.parse(back), JSON.parse(object)) ? 'kept' : `came back as ${back.slice(0, 100)}`
}

async function numberAs(scene: Scene, k: number, number: string): Promise<string> {
  const answer = await insertObject(scene, k, 'i', `{"n":${number}}`)
  return answer.errors.length > 0 ? outcome(answer) : `stored as ${numberIn(await stored(scene, `${k}`, 'i'))}`
}

/** The digits as they came: JSON.parse would round them itself. */
const numberIn = (json: string | null): string => /:\s*([^}\s]+)/.exec(json ?? '')?.[1] ?? `${json}`
